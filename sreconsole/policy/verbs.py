"""What a sub-command's words say: read, change or destroy. Shared by every tool that speaks to infrastructure."""

from __future__ import annotations

import re
from collections.abc import Sequence

DESTROY = re.compile(
    r"(?i)^(batch-|bulk-|force-|admin-)?(delete|del|destroy|remove|rm|rb|purge|drop|wipe|erase|terminate|"
    r"uninstall|kill|revoke|nuke|teardown|tear-down|"
    r"deprovision|decommission|deregister|unregister|disassociate|detach|disable|prune|empty|flush|reset|"
    r"truncate|abort|cancel|forget|"
    r"deactivate|unpublish|unsubscribe|archive|evict|release-address|schedule-key-deletion|scrub|rmdir|rmi|"
    r"down|leave|unset|clear|cleanup|dedupe|deletefile)(-.*|_.*|[A-Z].*)?$"
)
WRITE = re.compile(
    r"(?i)^(create|new|set|update|add|put|start|stop|restart|reboot|deploy|apply|run|exec|execute|invoke|"
    r"enable|move|rename|import|upload|attach|associate|"
    r"grant|open|renew|regenerate|rotate|resize|scale|failover|restore|sync|migrate|publish|send|register|"
    r"assign|modify|edit|patch|replace|promote|rollback|"
    r"swap|generate-sas|copy|clone|provision|tag|untag|lock|unlock|pause|resume|suspend|cordon|uncordon|"
    r"annotate|label|rollout|upgrade|install|join|push)([-_].*)?$"
)
READ = re.compile(
    r"(?i)^(get|list|ls|show|describe|desc|view|status|info|inspect|help|version|logs?|log|tail|top|events?|"
    r"explain|diff|plan|validate|lint|check|"
    r"whoami|search|query|find|cat|read|history|doctor|env:?list|ps|output|graph|fmt|format|preview|test|"
    r"simulate|estimate|lookup|head|select|"
    r"print|dump|display|docs?|wait|watch|stat|stats|metrics?|usage|health|ping|api-resources|api-versions|"
    r"cluster-info|completion|template|"
    r"dashboard|report|audit|scan|verify|export|download|pull|fetch|cp-from|tree|count|exists|can-i|regions?|"
    r"locations?|sizes?|images?|changes|compare|"
    r"providers?|state|config-get|current-context|account|is-.*|batch-get.*|assess|resolve|lookup-events|"
    r"generate-.*|receive-message|decode-.*|filter-.*|"
    r"detect-.*|summarize|synth|bootstrap-check|du|ncdu|lsd|lsf|lsl|size|md5sum|sha1sum|hashsum|about|link|"
    r"snapshots|key|console|inventory|recommend.*)(-.*|_.*)?$"
)


def kind_of(words: Sequence[str]) -> tuple[str, str]:
    """(`destroy`, `read` or `write`, the word that says so) of a sub-command's words in order."""
    for word in words:
        if DESTROY.match(word) and not re.match(r"(?i)^(down|reset|clear|leave|release)$", word):
            return "destroy", word
    for word in words:
        if DESTROY.match(word):
            return "destroy", word
    # The verb stands last, behind nouns that may read as verbs themselves (`gcloud run services list`).
    for word in reversed(words):
        if WRITE.match(word):
            return "write", word
        if READ.match(word):
            return "read", word
    return "write", words[-1] if words else ""
