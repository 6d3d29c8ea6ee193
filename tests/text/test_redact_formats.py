"""Every published format, written the ways secrets get written."""

import json
import random
import string
import zlib
from collections.abc import Callable
from urllib.parse import quote

import pytest

from sreconsole.text.credentials import FORMATS, crc32_base62
from sreconsole.text.redact import redact, redact_value, secrets

ALNUM = string.ascii_letters + string.digits
WORD = ALNUM + "_-"
HEX = "0123456789abcdef"
LOWER = string.ascii_lowercase + string.digits
UPPER = string.ascii_uppercase + string.digits
B64 = ALNUM + "+/"
BECH = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"

Maker = Callable[[random.Random], str]


def of(alphabet: str, length: int) -> Maker:
    """A body that neither begins nor ends with punctuation, so that it stands whole in every context."""

    def make(rng: random.Random) -> str:
        inner = "".join(rng.choices(alphabet, k=length - 2))
        ends = [char for char in alphabet if char.isalnum()]
        return rng.choice(ends) + inner + rng.choice(ends)

    return make


def uuid(rng: random.Random) -> str:
    return "-".join("".join(rng.choices(HEX, k=n)) for n in (8, 4, 4, 4, 12))


def checked(prefix: str) -> Maker:
    def make(rng: random.Random) -> str:
        body = "".join(rng.choices(ALNUM, k=30))
        number, digits = zlib.crc32(body.encode()), ""
        alphabet = string.digits + string.ascii_uppercase + string.ascii_lowercase
        while number:
            number, digit = divmod(number, 62)
            digits = alphabet[digit] + digits
        return prefix + body + digits.rjust(6, "0")

    return make


def after(*parts: str | Maker) -> Maker:
    return lambda rng: "".join(part if isinstance(part, str) else part(rng) for part in parts)


# Prefixes are written in halves, so that no scanner takes this file for a leak.
MAKERS: list[tuple[str, Maker]] = [
    ("aws-access-token", after("AK" + "IA", of(UPPER, 16))),
    ("aws-access-token", after("AS" + "IA", of(UPPER, 16))),
    ("aws-session-token", after("IQoJb3Jp" + "Z2luX2Vj", of(B64, 200))),
    ("aws-bedrock-key", after("AB" + "SK", of(B64, 120))),
    ("gcp-api-key", after("AI" + "za", of(WORD, 35))),
    ("gcp-oauth-token", after("ya" + "29.", of(WORD, 80))),
    ("gcp-client-secret", after("GOC" + "SPX-", of(WORD, 28))),
    ("gcp-refresh-token", after("1/" + "/0", of(WORD, 60))),
    ("azure-client-secret", after(of(ALNUM, 3), "8" + "Q~", of(ALNUM, 34))),
    ("azure-devops-pat", after(of(ALNUM, 76), "AZ" + "DO", of(ALNUM, 4))),
    ("alibaba-access-key", after("LT" + "AI", of(ALNUM, 20))),
    ("digitalocean-token", after("dop_" + "v1_", of(HEX, 64))),
    ("cloudflare-origin-key", after("v1.0" + "-", of(HEX, 24), "-", of(HEX, 146))),
    ("heroku-api-key", after("HR" + "KU-", uuid)),
    ("render-api-key", after("rn" + "d_", of(ALNUM, 32))),
    ("supabase-token", after("sb" + "p_", of(HEX, 40))),
    ("planetscale-token", after("pscale_" + "pw_", of(ALNUM, 43))),
    ("netlify-token", after("nf" + "p_", of(ALNUM, 36))),
    ("vercel-token", after("vercel_" + "blob_rw_", of(ALNUM, 40))),
    ("fly-token", after("fm" + "2_", of(B64, 120))),
    ("neon-api-key", after("na" + "pi_", of(LOWER, 64))),
    ("databricks-token", after("da" + "pi", of(HEX, 32))),
    ("terraform-token", after(of(ALNUM, 14), ".atlas" + "v1.", of(ALNUM, 67))),
    ("pulumi-token", after("pu" + "l-", of(HEX, 40))),
    ("vault-token", after("hv" + "s.", of(WORD, 90))),
    ("doppler-token", after("dp" + ".pt.", of(ALNUM, 43))),
    ("age-secret-key", after("AGE-SECRET" + "-KEY-1", of(BECH, 58))),
    ("tailscale-key", after("ts" + "key-auth-", of(ALNUM, 17), "-", of(ALNUM, 32))),
    ("onepassword-service-token", after("ops_" + "eyJ", of(ALNUM, 250))),
    ("github-pat", checked("gh" + "p_")),
    ("github-pat", after("gh" + "p_", of(ALNUM, 36))),
    ("github-oauth", checked("gh" + "o_")),
    ("github-app-token", checked("gh" + "s_")),
    ("github-refresh-token", checked("gh" + "r_")),
    ("github-fine-grained-pat", after("github_" + "pat_", of(ALNUM, 22), "_", of(ALNUM, 59))),
    ("gitlab-pat", after("gl" + "pat-", of(WORD, 20))),
    ("gitlab-token", after("gl" + "rt-", of(WORD, 20))),
    ("atlassian-token", after("ATA" + "TT3", of(WORD, 180))),
    ("bitbucket-token", after("AT" + "BB", of(ALNUM, 32))),
    ("npm-token", checked("np" + "m_")),
    ("npm-token", after("np" + "m_", of(ALNUM, 36))),
    ("pypi-token", after("py" + "pi-", "AgEIcHlwaS5vcmc", of(WORD, 120))),
    ("rubygems-token", after("ruby" + "gems_", of(HEX, 48))),
    ("docker-token", after("dckr_" + "pat_", of(WORD, 27))),
    ("nuget-key", after("oy" + "2", of(LOWER, 43))),
    ("crates-token", after("ci" + "o", of(ALNUM, 32))),
    ("clojars-token", after("CLO" + "JARS_", of(LOWER, 60))),
    ("artifactory-token", after("AK" + "Cp", of(ALNUM, 69))),
    ("sonar-token", after("sq" + "u_", of(HEX, 40))),
    ("sourcegraph-token", after("sg" + "p_", of(HEX, 40))),
    ("buildkite-token", after("bk" + "ua_", of(LOWER, 40))),
    ("circleci-token", after("CCI" + "PAT_", of(ALNUM, 22), "_", of(HEX, 40))),
    ("postman-key", after("PM" + "AK-", of(HEX, 24), "-", of(HEX, 34))),
    ("figma-token", after("fi" + "gd_", of(WORD, 40))),
    ("airtable-token", after("pa" + "t", of(ALNUM, 14), ".", of(HEX, 64))),
    ("linear-key", after("lin_" + "api_", of(ALNUM, 40))),
    ("notion-token", after("nt" + "n_", of(ALNUM, 46))),
    ("notion-token", after("sec" + "ret_", of(ALNUM, 43))),
    ("anthropic-api-key", after("sk-" + "ant-api03-", of(WORD, 93))),
    ("openrouter-api-key", after("sk-" + "or-v1-", of(HEX, 64))),
    ("openai-api-key", after("sk-" + "proj-", of(WORD, 120))),
    ("openai-api-key", after("sk" + "-", of(ALNUM, 20), "T3Blbk" + "FJ", of(ALNUM, 20))),
    ("huggingface-token", after("h" + "f_", of(string.ascii_letters, 34))),
    ("groq-api-key", after("gs" + "k_", of(ALNUM, 52))),
    ("xai-api-key", after("xa" + "i-", of(ALNUM, 80))),
    ("perplexity-api-key", after("pp" + "lx-", of(ALNUM, 48))),
    ("replicate-token", after("r" + "8_", of(ALNUM, 37))),
    ("nvidia-api-key", after("nv" + "api-", of(WORD, 64))),
    ("langsmith-key", after("lsv2_" + "pt_", of(HEX, 32), "_", of(HEX, 10))),
    ("elevenlabs-api-key", after("s" + "k_", of(HEX, 48))),
    ("slack-token", after("xo" + "xb-", of(string.digits, 12), "-", of(string.digits, 12), "-", of(ALNUM, 24))),
    ("slack-token", after("xa" + "pp-1-A0", of(UPPER, 9), "-", of(string.digits, 13), "-", of(HEX, 64))),
    ("discord-token", after("MT" + "I", of(ALNUM, 23), ".", of(ALNUM, 6), ".", of(WORD, 38))),
    ("stripe-key", after("sk_" + "live_", of(ALNUM, 24))),
    ("stripe-key", after("rk_" + "live_", of(ALNUM, 99))),
    ("stripe-webhook-secret", after("wh" + "sec_", of(ALNUM, 32))),
    ("twilio-api-key", after("S" + "K", of(HEX, 32))),
    ("sendgrid-key", after("S" + "G.", of(WORD, 22), ".", of(WORD, 43))),
    ("mailgun-key", after("ke" + "y-", of(HEX, 32))),
    ("mailchimp-key", after(of(HEX, 32), "-u" + "s14")),
    ("brevo-key", after("xkey" + "sib-", of(HEX, 64), "-", of(ALNUM, 16))),
    ("resend-key", after("r" + "e_", of(ALNUM, 8), "_", of(ALNUM, 24))),
    ("shopify-token", after("shp" + "at_", of(HEX, 32))),
    ("square-token", after("sq0" + "atp-", of(WORD, 22))),
    ("grafana-token", after("gl" + "sa_", of(ALNUM, 32), "_", of(HEX, 8))),
    ("newrelic-key", after("NR" + "AK-", of(UPPER, 27))),
    ("dynatrace-token", after("dt0" + "c01.", of(UPPER, 24), ".", of(UPPER, 64))),
    ("sentry-token", after("sntr" + "yu_", of(HEX, 64))),
    ("plaid-token", after("access-" + "production-", uuid)),
    ("shippo-token", after("shippo_" + "live_", of(HEX, 40))),
    ("easypost-key", after("EZ" + "AK", of(ALNUM, 54))),
    ("contentful-token", after("CF" + "PAT-", of(WORD, 43))),
    ("readme-key", after("rd" + "me_", of(LOWER, 70))),
    ("jwt", after("ey" + "J", of(ALNUM, 33), ".ey" + "J", of(WORD, 80), ".", of(WORD, 43))),
]

CONTEXTS: list[tuple[str, Callable[[str], str]]] = [
    ("alone", lambda s: s),
    ("environment", lambda s: f"export MY_SERVICE_VAR={s} && ./deploy.sh"),
    ("json", lambda s: json.dumps({"id": 7, "value": s, "next": "page"})),
    ("json in json", lambda s: json.dumps({"body": json.dumps({"value": s, "n": 1})})),
    ("after an escaped newline", lambda s: json.dumps(f"line one\n{s}\nline three")),
    ("yaml", lambda s: f"service:\n  credential_value: {s}\n  replicas: 3\n"),
    ("header", lambda s: f"curl -sS -H 'X-Custom: {s}' https://api.example.com/v1/things"),
    ("query", lambda s: f"https://api.example.com/v1?k={quote(s, safe='')}&page=2"),
    ("quoted argument", lambda s: f'some-client --with "{s}" --verbose'),
    ("source", lambda s: f"const client = new Client('{s}', {{ retries: 3 }});"),
    ("log line", lambda s: f"2026-11-20T02:41:02Z WARN using {s}, will retry"),
    ("markdown", lambda s: f"The old one was `{s}`."),
    ("coloured", lambda s: f"\x1b[32m{s}\x1b[0m done"),
    ("diff", lambda s: f"@@ -1 +1 @@\n-{'x'}\n+{s}\n"),
]


def survives(secret: str, text: str) -> bool:
    """Whether any eight characters in a row of the secret's changing part are still there."""
    tail = secret[12:] if len(secret) > 24 else secret[4:]
    return any(tail[at : at + 8] in text for at in range(max(1, len(tail) - 7)))


@pytest.mark.parametrize(("context", "write"), CONTEXTS, ids=[name for name, _ in CONTEXTS])
@pytest.mark.parametrize("number", range(len(MAKERS)), ids=[f"{kind}-{n}" for n, (kind, _) in enumerate(MAKERS)])
def test_no_part_of_a_credential_survives(number: int, context: str, write: Callable[[str], str]) -> None:
    kind, make = MAKERS[number]
    secret = make(random.Random(f"{number} {context}"))
    text = write(secret)
    done = redact(text)
    assert not survives(quote(secret, safe="") if context == "query" else secret, done.text), done.text
    assert kind in done.kinds
    assert f"[REDACTED:{kind}]" in done.text
    assert redact(done.text).text == done.text


def test_what_stands_around_a_credential_stays() -> None:
    for kind, make in MAKERS:
        secret = make(random.Random(kind))
        assert redact(f"before {secret} after").text == f"before [REDACTED:{kind}] after"


def test_spans_cover_the_credential_exactly() -> None:
    for kind, make in MAKERS:
        secret = make(random.Random(kind + "span"))
        assert secrets(f"é {secret} é") == [(kind, 2, 2 + len(secret))]


def test_every_row_of_the_table_has_a_sample_or_a_test_of_its_own() -> None:
    own = {
        *("aws-secret-key", "slack-webhook", "discord-webhook", "teams-webhook", "telegram-token", "private-key"),
        *(
            "clickhouse-key",
            "prefect-token",
            "asana-token",
            "launchdarkly-key",
            "langfuse-secret-key",
            "mapbox-secret-token",
        ),
        *(
            "pinecone-api-key",
            "tavily-api-key",
            "firecrawl-api-key",
            "e2b-api-key",
            "facebook-token",
            "flutterwave-key",
        ),
        *("typeform-token",),
    }
    assert {form.kind for form in FORMATS} - {kind for kind, _ in MAKERS} <= own


ODD: list[tuple[str, str, str]] = [
    ("aws-secret-key", "AK" + "IAQ7XZ2MNB4VT6WRLK, ", "kP9/xQ2m+LrT7vWz0aBcD3eFgH5iJ6kLmN8oPqRs"),
    ("slack-webhook", "https://hooks.slack.com/" + "services/", "T01ABCDEF/B02GHIJKL/aB3cD4eF5gH6iJ7kL8mN9oP0"),
    (
        "discord-webhook",
        "https://discord.com/api/" + "webhooks/123456789012345678/",
        "aB3-D4eF5gH6iJ7kL8mN9oP0qR1sT2uV3wX4yZ5aB6cD7eF8",
    ),
    ("telegram-token", "bot 1234567890" + ":", "AAH" + "dqTcvCH1vGWJxfSeofSAs0K5PALDsaw"),
    ("asana-token", "", "1/" + "1200652189189198:0123456789abcdef0123456789abcde7"),
    ("launchdarkly-key", "", "sd" + "k-3f2c1a9e-1b2d-4c3e-8f90-0123456789ab"),
    ("langfuse-secret-key", "", "sk-" + "lf-3f2c1a9e-1b2d-4c3e-8f90-0123456789ab"),
    ("tavily-api-key", "", "tv" + "ly-aB3cD4eF5gH6iJ7kL8mN9oP0qR1sT2uV"),
    ("firecrawl-api-key", "", "f" + "c-0123456789abcdef0123456789abcde7"),
    ("e2b-api-key", "", "e2" + "b_0123456789abcdef0123456789abcdef01234567"),
    ("pinecone-api-key", "", "pc" + "sk_aB3cD4eF5gH6iJ7kL8mN9oP0qR1sT2uV3wX4yZ5aB6cD7eF8"),
    ("flutterwave-key", "", "FLW" + "SECK-aB3cD4eF5gH6iJ7kL8mN9oP0qR1sT2uV-X"),
]


@pytest.mark.parametrize(("kind", "before", "secret"), ODD, ids=[row[0] for row in ODD])
def test_formats_that_need_their_surroundings(kind: str, before: str, secret: str) -> None:
    done = redact(f"use {before}{secret} now")
    assert secret not in done.text
    assert kind in done.kinds
    assert redact(done.text) == type(done)(done.text, ())


def test_a_wrong_checksum_is_still_a_token_and_a_right_one_is_never_filler() -> None:
    good = checked("gh" + "p_")(random.Random(4))
    wrong = good[:-1] + ("A" if good[-1] != "A" else "B")
    assert crc32_base62(good)
    assert not crc32_base62(wrong)
    assert redact(good).kinds == redact(wrong).kinds == ("github-pat",)
    assert redact("gh" + "p_" + "x" * 36).kinds == ()


def test_neither_filler_nor_a_second_token_shields_a_token() -> None:
    one, two = (checked("gh" + "p_")(random.Random(seed)) for seed in (1, 2))
    for text in (one + "x" * 200, "x" * 200 + one, one + two, f"{one}-{two}", one * 3):
        done = redact(text).text
        assert one[8:20] not in done
        assert two[8:20] not in done
    assert redact("sk-" + "ant-api03-" + "x" * 90).kinds == ()


def test_values_of_containers_are_redacted_too() -> None:
    for kind, make in MAKERS:
        secret = make(random.Random(kind))
        value, kinds = redact_value({"steps": [{"text": f"use {secret}"}], secret: 1})
        assert secret not in json.dumps(value)
        assert kind in kinds
