"""Cloud and platform command lines: the verb says read, change or destroy; credentials stand apart."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .call import Call
from .platforms import NOT_WORDS, SIGNAL_FLAGS, platform, signals_of
from .provisioning import packer, run_ansible, run_pulumi, run_terraform
from .shell import Word
from .stores import copying
from .verbs import kind_of
from .wordlist import wordset

_CREDENTIAL_READ = re.compile(
    r"(?i)^(secretsmanager (get-secret-value|batch-get-secret-value)|ssm get-parameters?(-by-path)?|"
    r"sts (get-session-token|assume-role\S*|get-federation-token)|ecr get-(login-password|authorization-token|"
    r"login)|"
    r"rds generate-db-auth-token|configure (get|export-credentials)|kms decrypt|eks get-token|"
    r"codeartifact get-authorization-token|cognito-idp admin-initiate-auth|lightsail get-\S*keys?\S*|"
    r"redshift get-cluster-credentials|"
    r"secrets versions access|auth (print-access-token|print-identity-token|"
    r"application-default print-access-token)|config config-helper|kms decrypt|"
    r"keyvault (secret show|secret download|key download|certificate download)|account get-access-token|"
    r"acr (credential show|login)|storage account keys list|storage account show-connection-string|"
    r"(cosmosdb|redis|eventhubs\S*|servicebus\S*|functionapp|webapp|iot\S*|signalr|search|batch|maps|"
    r"cognitiveservices|appconfig|ad sp|ad app) .*(list-keys|keys list|list-connection-strings|"
    r"connection-strings? list|keys show|credential(s)? (list|show|reset)|list-publishing-(profiles|"
    r"credentials)|show-connection-string)|aks get-credentials|"
    r"auth token|auth:token|config:get|config get|variables?( get| list| --kv)?$|vars?( get)?$|env pull|"
    r"env:pull|secrets? (get|view|show|reveal|download|decrypt|export|print|dump|value)|variable get|kv get|"
    r"read |print token|token (generate|print)$|tokens? list$)"
)
_CREDENTIAL_WRITE = re.compile(
    r"(?i)(iam (create|delete|put|attach|detach|add|remove|update|upload|set|deactivate|enable|reset|change|"
    r"tag|untag)-\S*|iam (service-accounts|roles|keys) \S*\s?(create|delete|update|disable|enable|undelete|"
    r"upload)?|"
    r"(add|remove|set)-iam-policy(-binding)?|secretsmanager (create|put|update|delete|rotate|restore|"
    r"replicate|tag|stop|remove|untag)-\S*|ssm (put|delete)-parameters?|kms (create|schedule|disable|delete|"
    r"put|cancel|import|update|retire|revoke)-\S*|"
    r"secrets? (set|create|delete|remove|rm|import|put|add|update|unset|upload|rotate|destroy|bulk|"
    r"versions (add|destroy|disable|enable))|secret:(set|delete)|keyvault (create|delete|purge|set-policy|"
    r"delete-policy|secret (set|delete|purge)|key (create|delete|purge|import)|certificate (create|delete|"
    r"import|purge))|"
    r"role (assignment|definition) (create|delete|update)|ad (sp|app|user|group) (create|delete|update|"
    r"credential)|service-principal|access-?keys?|api-?keys?|ssh-?keys? (create|add|delete|import|remove)|"
    r"authorize-security-group|"
    r"organizations (leave|delete|remove|close)\S*|cognito-idp (admin-|delete-)\S*|kms keys|set-password|"
    r"reset-password|user (create|delete|add|remove)|users? (create|delete|add|remove)|policy (write|delete|"
    r"create|apply|remove|unset|set|detach|attach)|policies (create|delete)|"
    r"token (create|revoke|renew|delete|new)|tokens? (create|revoke|delete)|auth (enable|disable|tune)|"
    r"operator (init|unseal|seal|rekey|generate-root|rotate|step-down|raft)|write auth/|write sys/|"
    r"audit (enable|disable)|lease revoke|secrets (enable|disable|tune|move)|kv (put|delete|destroy|patch|"
    r"undelete|rollback|metadata (delete|put))|"
    r"acl (token|policy|role|bootstrap)\S* ?(create|delete|update|apply|bootstrap)?|add-permission|"
    r"remove-permission|put-\S*policy|delete-\S*policy|set-repository-policy|put-bucket-acl|put-object-acl|"
    r"put-public-access-block|delete-public-access-block)"
)
_DATA = re.compile(r"(?i)^(s3 (cp|mv|sync)|storage (cp|mv|rsync)|storage blob (upload|download|copy))")


def _cli(call: Call) -> None:
    """A cloud's command line: nouns and a verb, flags after."""
    words = _words(call)
    text = " ".join(words[:5])
    word = call.args[0] if call.args else None
    facts: dict[str, Any] = {"signals": ("cloud", *signals_of(call)), "cloud": call.name}
    endpoint = next(
        (
            str(w).partition("=")[2] or str(call.args[i + 1])
            for i, w in enumerate(call.args[:-1] if call.args else [])
            if w.startswith("--endpoint-url")
        ),
        "",
    )
    if re.search(r"localhost|127\.0\.0\.1|localstack|minio:", endpoint):
        facts = {"local": True, "local_why": f"{endpoint} is this machine", "signals": ()}
    dry = any(w in ("--dry-run", "--dryrun", "--dry_run", "--noop", "--what-if", "--check") for w in call.args)
    if not words or dry:
        call.emit("infra.read", f"{call.name} {text}".strip(), **facts)
    elif _CREDENTIAL_READ.search(text):
        decrypts = "ssm" not in text or any("--with-decryption" in w for w in call.args)
        call.emit("secret.read" if decrypts else "infra.read", f"{call.name} {text}", word, secret="command", **facts)
    elif _CREDENTIAL_WRITE.search(text) and kind_of(words[:5])[0] != "read":
        call.emit("secret.write", f"{call.name} {text}", word, **facts)
    elif words[0] in wordset(
        """
        configure config login auth sso init logout completion components extension cloud-shell context contexts
        """
    ):
        changes = kind_of(words[1:3])[0] != "read" and words[0] not in ("completion",)
        call.emit(
            "fs.write" if changes else "infra.read",
            f"{call.name} {text}",
            **{k: v for k, v in facts.items() if k != "cloud"},
        )
    else:
        _by_verb(call, words, word, facts)


def _words(call: Call) -> list[str]:
    """Words of the sub-command, without the values of flags that come before it."""
    found: list[str] = []
    args, index = call.args, 0
    while index < len(args):
        word = args[index]
        if word.startswith("-"):
            known = word.lstrip("-") in SIGNAL_FLAGS | {
                "output",
                "query",
                "log-level",
                "format",
                "config",
                "kubeconfig",
                "access-token",
                "token",
                "url",
                "server",
                "v",
                "verbosity",
                "scope",
                "t",
                "cli-connect-timeout",
                "cli-read-timeout",
                "cli-binary-format",
                "ca-bundle",
            }
            index += (
                2 if known and "=" not in word and index + 1 < len(args) and not args[index + 1].startswith("-") else 1
            )
            continue
        found.append(str(word))
        index += 1
    return found


def _by_verb(call: Call, words: list[str], word: Word | None, facts: dict[str, Any]) -> None:
    depth = {
        "az": 5,
        "gcloud": 5,
        "aws": 2,
        "oci": 4,
        "ibmcloud": 3,
        "doctl": 4,
        "gsutil": 1,
        "rclone": 1,
        "mc": 2,
    }.get(call.name, 3)
    head = [w for w in words[:depth] if not NOT_WORDS.match(w)] or words[:1]
    text = " ".join(words[:4])
    if _DATA.match(text) or call.name in wordset("gsutil rclone mc s3cmd s5cmd azcopy b2 restic borg duplicity kopia"):
        copying(call, words, word, facts)
        return
    kind, _ = kind_of(head)
    if call.name == "aws" and len(words) > 1:
        kind = _aws(words, kind)
    call.emit(f"infra.{kind}", f"{call.name} {text}", word, **facts)


def _aws(words: list[str], kind: str) -> str:
    verb = words[1]
    if re.match(
        r"(get|list|describe|head|batch-get|search|lookup|scan|query|select|check|validate|estimate|preview|"
        r"simulate|ls|wait|tail|filter|help|view|test|detect|resolve|export|download|receive|poll|verify|"
        r"start-query|presign|synthesize|translate|decode)(-|$)",
        verb,
    ):
        return "read"
    if re.match(
        r"(stop|reboot|start|run|create|put|update|modify|enable|tag|untag|publish|send|invoke|copy|restore|"
        r"register|attach|associate|set|add|import|upload|deploy|execute|promote|failover|scale|rotate|change)-",
        verb,
    ):
        return "write"
    return kind if verb not in ("rb", "rm") else "destroy"


# -- infrastructure as code ---------------------------------------------------------------------------------------


TABLE: dict[str, Callable[[Call], None]] = {
    **dict.fromkeys(
        wordset(
            """
            aws awslocal gcloud gsutil az oci ibmcloud aliyun doctl linode-cli hcloud vultr-cli scw ovh exo civo
            openstack nova yc tccli upctl metal eksctl eb ecs-cli copilot aws-nuke cloud-nuke steampipe s3cmd s5cmd
            rclone mc azcopy b2 restic borg kopia duplicity govc esxcli virsh prlctl vboxmanage VBoxManage qm pct
            proxmox vault consul nomad boundary waypoint etcdctl nats rabbitmqctl rabbitmqadmin kafka-topics
            kafka-topics.sh kafka-configs kafka-configs.sh kafka-delete-records.sh kcat rpk confluent pulsar-admin
            argocd argo flux kops kubeadm rke rancher talosctl clusterctl istioctl linkerd cilium velero kustomize
            skaffold tanka kapp werf deck kong flagsmith flipt datadog-ci datadog newrelic pagerduty pd opsgenie
            sentry-cli grafana-cli grafana promtool amtool logcli elasticsearch-keystore curator splunk okta auth0
            stripe-cli cf bosh tanzu juju maas salt salt-call salt-key puppet chef knife bolt mcollective cdktf
            crossplane spacectl env0 atlantis infracost snowsql-admin databricks dbt-cloud temporal tctl airflow
            prefect dagster launchdarkly ldcli configcat unleash split optimizely ceph rbd rados gluster glustercli
            zfs-send drbdadm pcs crm corosync-cfgtool keepalived-ctl haproxyctl mailgun sendgrid twilio ses-cli
            postmark square braintree paypal shopify contentful sanity algolia meilisearch typesense
            """
        ),
        _cli,
    ),
    **dict.fromkeys(wordset("terraform tofu opentofu terragrunt terramate tf"), run_terraform),
    **dict.fromkeys(
        wordset(
            """
            pulumi cdk cdklocal sam samlocal serverless sls sst chalice zappa amplify encore architect arc claudia
            up
            """
        ),
        run_pulumi,
    ),
    **dict.fromkeys(
        wordset(
            """
            ansible ansible-playbook ansible-pull ansible-galaxy ansible-doc ansible-inventory ansible-config
            ansible-console
            """
        ),
        run_ansible,
    ),
    "packer": packer,
    **dict.fromkeys(
        wordset(
            """
            vercel now fly flyctl railway render netlify heroku wrangler supabase firebase neonctl neon planetscale
            pscale upstash xata convex appwrite nhost hasura fauna deployctl kamal dokku cap capistrano mina modal
            beam replit koyeb northflank porter qovery platform upsun clever scalingo gigalixir stripe cloudflare
            eas-cli expo-cli doppler infisical porkbun namecheap flarectl dnscontrol octodns fastly
            """
        ),
        platform,
    ),
}
