"""Published credential formats, as data: what the issuer documents about prefix, alphabet, length and checksum.

A row is tried only where one of its `marks` (a literal, case-sensitive part of every such credential) stands in the
text; `pattern` is matched `back` characters before the mark. The first group, where there is one, is the secret.
`apart` rows must not be the tail of a longer word. Lengths are minima a little under the published ones, because a
truncated credential is still most of a credential.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Format:
    """One issuer's credential. `checksum` answers whether a whole credential of the format is self-consistent.

    Where a mark can repeat within one run of `stride` and the run decides the match, a failure skips the whole run:
    otherwise a megabyte of marks would be read once for each of them.
    """

    kind: str
    marks: tuple[str, ...]
    pattern: str
    apart: bool = False
    back: int = 0
    stride: str = ""
    checksum: Callable[[str], bool] | None = None


@lru_cache(maxsize=512)
def compiled(pattern: str) -> re.Pattern[str]:
    """Compiled on first use: most processes meet a handful of the formats."""
    return re.compile(pattern)


def crc32_base62(credential: str) -> bool:
    """GitHub's and npm's checksum: the last six characters are the CRC-32 of the thirty before, in base 62.

    Source: GitHub engineering, "Behind GitHub's new authentication token formats" (2021); npm uses the same layout.
    """
    body = credential.partition("_")[2]
    if len(body) != 36:
        return False
    number, digits = zlib.crc32(body[:30].encode()), ""
    while number:
        number, digit = divmod(number, 62)
        digits = _BASE62[digit] + digits
    return body[30:] == digits.rjust(6, "0")


def _row(
    kind: str, marks: str, rest: str, *, apart: bool = False, checksum: Callable[[str], bool] | None = None
) -> Format:
    """A format whose credentials are one of `marks` (space separated) followed by `rest`."""
    prefixes = tuple(marks.split())
    return Format(kind, prefixes, f"(?:{'|'.join(map(re.escape, prefixes))}){rest}", apart=apart, checksum=checksum)


_A = "[A-Za-z0-9]"
_W = "[A-Za-z0-9_-]"
_X = "[a-f0-9]"
# Base64, also as an address (%2F) or PHP's JSON (\\/) writes it, and its padding.
_B = r"(?:[A-Za-z0-9+/]|%2[BFbf]|\\{1,2}/)"
_END = r"(?:=|%3[Dd]){0,2}"
_UUID = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"

_CLOUDS = (
    _row("aws-access-token", "AKIA ASIA ABIA ACCA", "[A-Z0-9]{16,20}", apart=True),
    Format(
        "aws-secret-key",
        ("AKIA", "ASIA"),
        rf"A[KS]IA[A-Z0-9]{{16}}[\"']?[\s,:;|]{{1,4}}[\"']?({_B}{{40}})(?![A-Za-z0-9+/])",
    ),
    _row("aws-session-token", "FwoGZXIvYXdzE IQoJb3JpZ2luX2Vj", f"{_B}{{60,}}{_END}"),
    _row("aws-bedrock-key", "ABSK", f"{_B}{{100,}}{_END}", apart=True),
    _row("gcp-api-key", "AIza", f"{_W}{{30,}}"),
    _row("gcp-oauth-token", "ya29.", f"{_W}{{20,}}"),
    _row("gcp-client-secret", "GOCSPX-", f"{_W}{{20,}}"),
    _row("gcp-refresh-token", "1//0 1%2F%2F0", f"{_W}{{40,}}", apart=True),
    Format("azure-client-secret", ("8Q~", "7Q~"), r"[A-Za-z0-9_~.-]{3}[78]Q~[A-Za-z0-9_~.-]{31,34}", back=3),
    Format("azure-devops-pat", ("AZDO",), f"{_A}{{76}}AZDO{_A}{{4}}", back=76),
    _row("alibaba-access-key", "LTAI", f"{_A}{{16,26}}", apart=True),
    _row("digitalocean-token", "dop_v1_ doo_v1_ dor_v1_", f"{_X}{{60,}}"),
    _row("cloudflare-origin-key", "v1.0-", f"{_X}{{24}}-{_X}{{140,}}"),
    _row("heroku-api-key", "HRKU-", f"{_W}{{30,}}"),
    _row("render-api-key", "rnd_", f"{_A}{{20,}}", apart=True),
    _row("supabase-token", "sbp_ sb_secret_", f"{_W}{{20,}}", apart=True),
    _row("planetscale-token", "pscale_pw_ pscale_tkn_ pscale_oauth_", "[A-Za-z0-9_.=-]{32,}"),
    _row("netlify-token", "nfp_ nfc_ nfo_", f"{_A}{{36,}}", apart=True),
    _row("vercel-token", "vercel_blob_rw_ vcp_ vci_ vca_ vcr_ vck_", f"{_W}{{24,}}", apart=True),
    _row("fly-token", "fo1_ fm1r_ fm1a_ fm2_", f"(?:{_B}|[_=-]){{40,}}", apart=True),
    _row("neon-api-key", "napi_", f"{_A}{{40,}}", apart=True),
    _row("databricks-token", "dapi", f"{_X}{{32}}(?:-[0-9]{{1,2}})?", apart=True),
    Format("terraform-token", (".atlasv1.",), r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{40,}", back=14),
    _row("pulumi-token", "pul-", f"{_X}{{40,}}", apart=True),
    _row("vault-token", "hvs. hvb. hvr.", f"{_W}{{20,}}", apart=True),
    Format(
        "vault-token",
        ("s.",),
        rf"s\.(?=[A-Za-z]*[0-9])(?=[0-9A-Z]*[a-z])(?=[0-9a-z]*[A-Z]){_A}{{24}}(?![\w.(-])",
        apart=True,
    ),
    _row("doppler-token", "dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.", "[A-Za-z0-9_.-]{40,}", apart=True),
    _row("age-secret-key", "AGE-SECRET-KEY-1 AGE-PLUGIN-", "[A-Z0-9-]{50,}"),
    _row("tailscale-key", "tskey-", f"{_W}{{12,}}", apart=True),
    _row("onepassword-service-token", "ops_eyJ", f"{_W}{{100,}}"),
    _row("clickhouse-key", "4b1d", f"{_A}{{38}}(?![A-Za-z0-9])", apart=True),
)

_FORGES = (
    _row("github-pat", "ghp_", f"{_A}{{30,}}", checksum=crc32_base62),
    _row("github-oauth", "gho_", f"{_A}{{30,}}", checksum=crc32_base62),
    _row("github-app-token", "ghu_ ghs_", f"{_A}{{30,}}", checksum=crc32_base62),
    _row("github-refresh-token", "ghr_", f"{_A}{{30,}}", checksum=crc32_base62),
    _row("github-fine-grained-pat", "github_pat_", "[A-Za-z0-9_]{50,}"),
    _row("gitlab-pat", "glpat-", rf"{_W}{{20,}}(?:\.[0-9a-z]{{2}}\.[0-9a-z]{{7,9}})?"),
    _row(
        "gitlab-token",
        "gldt- glrt- glcbt- glptt- glft- glimt- glagent- gloas- glsoat- glffct- GR1348941",
        "[A-Za-z0-9_.-]{18,}",
    ),
    _row("bitbucket-token", "ATBB ATCTT3", "[A-Za-z0-9_=-]{28,}", apart=True),
    _row("atlassian-token", "ATATT3", "[A-Za-z0-9_=-]{60,}"),
    _row("npm-token", "npm_", f"{_A}{{36,}}", apart=True, checksum=crc32_base62),
    _row("pypi-token", "pypi-", f"{_W}{{50,}}", apart=True),
    _row("rubygems-token", "rubygems_", f"{_X}{{40,}}"),
    _row("docker-token", "dckr_pat_ dckr_oat_", f"{_W}{{20,}}"),
    _row("nuget-key", "oy2", "[a-z0-9]{43}(?![A-Za-z0-9])", apart=True),
    _row("crates-token", "cio", f"{_A}{{32}}(?![A-Za-z0-9])", apart=True),
    _row("clojars-token", "CLOJARS_", "[a-z0-9]{50,}"),
    _row("artifactory-token", "AKCp cmVmdGtuOj", f"{_A}{{40,}}", apart=True),
    _row("sonar-token", "squ_ sqp_ sqa_", f"{_X}{{40}}", apart=True),
    _row("sourcegraph-token", "sgp_", "[a-f0-9_]{40,}", apart=True),
    _row("buildkite-token", "bkua_ bkct_ bkaj_", f"{_A}{{36,}}", apart=True),
    _row("circleci-token", "CCIPAT_ CCIPRJ_", "[A-Za-z0-9_]{40,}"),
    _row("prefect-token", "pnu_ pnb_", f"{_A}{{36}}", apart=True),
    _row("postman-key", "PMAK-", f"{_X}{{24}}-{_X}{{34}}"),
    _row("figma-token", "figd_", f"{_W}{{36,}}", apart=True),
    _row("airtable-token", "pat", rf"{_A}{{14}}\.{_X}{{64}}", apart=True),
    _row("linear-key", "lin_api_ lin_oauth_", f"{_A}{{32,}}", apart=True),
    _row("notion-token", "ntn_ secret_", f"{_A}{{40,}}", apart=True),
    _row("asana-token", "1/", rf"[0-9]{{14,16}}(?:/[0-9]{{14,16}})?:{_X}{{32}}", apart=True),
    _row("launchdarkly-key", "sdk- api- mob-", _UUID, apart=True),
)

_MODELS = (
    _row("anthropic-api-key", "sk-ant-", f"{_W}{{20,}}", apart=True),
    _row("openrouter-api-key", "sk-or-", f"{_W}{{32,}}", apart=True),
    _row("langfuse-secret-key", "sk-lf-", _UUID, apart=True),
    _row("openai-api-key", "sk-proj- sk-svcacct- sk-admin- sk-None-", f"{_W}{{20,}}", apart=True),
    _row("openai-api-key", "sk-", f"{_A}{{30,}}", apart=True),
    _row("huggingface-token", "hf_ api_org_", f"{_A}{{30,}}", apart=True),
    _row("groq-api-key", "gsk_", f"{_A}{{40,}}", apart=True),
    _row("xai-api-key", "xai-", f"{_A}{{60,}}", apart=True),
    _row("perplexity-api-key", "pplx-", f"{_A}{{40,}}", apart=True),
    _row("replicate-token", "r8_", f"{_A}{{36,}}", apart=True),
    _row("nvidia-api-key", "nvapi-", f"{_W}{{40,}}", apart=True),
    _row("langsmith-key", "lsv2_pt_ lsv2_sk_", "[A-Za-z0-9_]{36,}"),
    _row("pinecone-api-key", "pcsk_", "[A-Za-z0-9_]{40,}", apart=True),
    _row("tavily-api-key", "tvly-", f"{_W}{{24,}}", apart=True),
    _row("firecrawl-api-key", "fc-", f"{_X}{{32}}(?![A-Za-z0-9])", apart=True),
    _row("e2b-api-key", "e2b_", f"{_X}{{40}}", apart=True),
    _row("elevenlabs-api-key", "sk_", f"{_X}{{48}}(?![A-Za-z0-9])", apart=True),
)

_SERVICES = (
    _row("slack-token", "xoxb- xoxp- xoxa- xoxr- xoxs- xoxo- xoxc- xoxd- xoxe- xoxe. xapp-", "[A-Za-z0-9%._+/-]{10,}"),
    Format(
        "slack-webhook",
        ("hooks.slack.com/",),
        r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9_/+-]{20,})",
    ),
    Format("discord-webhook", ("/api/webhooks/",), rf"/api/webhooks/[0-9]{{15,22}}/({_W}{{40,}})"),
    Format("teams-webhook", (".webhook.office.com/",), r"\.webhook\.office\.com/webhookb2/([A-Za-z0-9@/_-]{60,})"),
    _row("discord-token", "MT Mj Mz ND NT Nj Nz OD OT", rf"{_A}{{22,27}}\.{_W}{{6}}\.{_W}{{27,}}", apart=True),
    Format("telegram-token", (":AA",), rf"(?<=[0-9]{{8}}):(AA{_W}{{32,}})"),
    _row("stripe-key", "sk_live_ sk_test_ rk_live_ rk_test_ sk_org_", f"{_A}{{10,}}", apart=True),
    _row("stripe-webhook-secret", "whsec_", f"{_B}{{20,}}{_END}", apart=True),
    _row("twilio-api-key", "SK", f"{_X}{{32}}(?![A-Za-z0-9])", apart=True),
    _row("sendgrid-key", "SG.", rf"{_W}{{16,}}\.{_W}{{16,}}", apart=True),
    _row("mailgun-key", "key- pubkey-", f"{_X}{{32}}(?![A-Za-z0-9])", apart=True),
    Format("mailchimp-key", ("-us",), rf"{_X}{{32}}-us[0-9]{{1,2}}", back=32),
    _row("brevo-key", "xkeysib- xsmtpsib-", f"{_X}{{60,}}(?:-{_A}{{12,}})?"),
    _row("resend-key", "re_", f"{_A}{{8}}_{_A}{{20,}}", apart=True),
    _row("shopify-token", "shpat_ shpca_ shppa_ shpss_ shpua_ shptka_", "[a-fA-F0-9]{32,}"),
    _row("square-token", "sq0atp- sq0csp- EAAAE EAAAl", f"{_W}{{22,}}", apart=True),
    _row("facebook-token", "EAA", f"{_A}{{80,}}", apart=True),
    _row("grafana-token", "glsa_", f"{_A}{{32}}_[A-Fa-f0-9]{{8}}"),
    _row("grafana-token", "glc_", f"{_B}{{32,}}{_END}", apart=True),
    _row("grafana-token", "eyJrIjoi", f"{_B}{{40,}}{_END}"),
    _row("newrelic-key", "NRAK- NRJS- NRRA- NRII- NRSP-", f"{_A}{{19,}}"),
    _row("dynatrace-token", "dt0c01. dt0s16.", r"[A-Z0-9]{24}\.[A-Z0-9]{60,}"),
    _row("sentry-token", "sntrys_ sntryu_", f"(?:{_B}|[=_]){{40,}}"),
    _row("plaid-token", "access-production- access-sandbox- access-development-", _UUID),
    _row("shippo-token", "shippo_live_ shippo_test_", f"{_X}{{40}}"),
    _row("easypost-key", "EZAK EZTK", f"{_A}{{54}}", apart=True),
    _row("flutterwave-key", "FLWSECK-", f"{_A}{{30,}}-X"),
    _row("contentful-token", "CFPAT-", f"{_W}{{40,}}"),
    _row("readme-key", "rdme_", f"{_A}{{60,}}"),
    _row("typeform-token", "tfp_", "[A-Za-z0-9_.=-]{50,}", apart=True),
    _row("mapbox-secret-token", "sk.eyJ", rf"{_W}{{20,}}\.{_W}{{20,}}", apart=True),
    Format(
        "jwt",
        ("eyJ",),
        rf"eyJ{_W}{{8,}}+\.(?:eyJ{_W}{{4,}}+\.{_W}*+|{_W}*+(?:\.{_W}++){{3}})",
        stride=f"{_W}++",
    ),
    Format("private-key", ("LS0tLS1CRUdJTi",), rf"LS0tLS1CRUdJTi(?!BDRVJU|BQVUJM|BUUlVTV){_B}{{60,}}+{_END}"),
)

FORMATS: tuple[Format, ...] = (*_CLOUDS, *_FORGES, *_MODELS, *_SERVICES)

SERVICES: tuple[str, ...] = (
    *("railway", "heroku", "cloudflare", "datadog", "twilio", "fastly", "vercel", "netlify", "circleci", "codecov"),
    *("snyk", "okta", "pagerduty", "opsgenie", "mailgun", "azure", "digitalocean", "hetzner", "linode", "vultr"),
    *("render", "wandb", "cohere", "mistral", "deepgram", "algolia", "zendesk", "intercom", "confluent", "rollbar"),
)
"""Issuers whose credentials have no form of their own: the name or the address beside one says whose it is."""
