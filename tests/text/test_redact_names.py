"""Secrets known by their name or by the place they stand in, and the values that only look assigned."""

import json
import random
import string

import pytest

from sreconsole.text.redact import redact, redact_value, secrets

RNG = random.Random(20)


def fresh(length: int = 24) -> str:
    body = "".join(RNG.choices(string.ascii_letters + string.digits, k=length - 4))
    return f"q7{body}Z4"


ASSIGNED = [
    ("password", "DB_PASSWORD={}"),
    ("password", "export PGPASSWORD={}; psql -h db"),
    ("password", "MYSQL_PWD='{}' mysql -u root"),
    ("password", "docker run -e POSTGRES_PASSWORD={} postgres:16"),
    ("password", "password: {}"),
    ("password", "  password: '{}'  # the old one"),
    ("password", 'passwd = "{}"'),
    ("password", '{{"password": "{}"}}'),
    ("password", '{{"cmd": "{{\\"password\\": \\"{}\\"}}"}}'),
    ("password", '{{"text": "A=1\\nADMIN_PASSWORD={}\\nB=2"}}'),
    ("password", "<password>{}</password>"),
    ("password", "Server=db;User Id=sa;Password={};Encrypt=true"),
    ("password", "spring.datasource.password={}"),
    ("password", "config['password'] = '{}'"),
    ("password", "os.environ[\"ADMIN_PASSWORD\"] = '{}'"),
    ("password", 'setenv("ADMIN_PASSWORD", "{}")'),
    ("password", "ALTER ROLE app WITH PASSWORD '{}';"),
    ("password", "client --password {} --host db"),
    ("password", "client --password={} --host db"),
    ("password", "- name: DB_PASSWORD\n  value: {}"),
    ("password", '{{"name": "DB_PASSWORD", "value": "{}"}}'),
    ("password", ":password => '{}'"),
    ("password", "password%3D{}%26x"),
    ("password", 'password: str = "{}"'),
    ("password", "dbPassword: '{}',"),
    ("password", "ssh_pass={}"),
    ("password", "ROOT_PW={}"),
    ("password", "password: |\n  {}\n"),
    ("password", "password: !!str {}"),
    ("password", '"password":\n   "{}"'),
    ("password", "PASSWORD = \\\n  '{}'"),
    ("password", "the password is {}."),
    ("password", "keytool2 -password {} -x"),
    ("api-key", "FROM x\nENV API_KEY {}\nRUN y"),
    ("secret-key", "heroku config:set SECRET_KEY_BASE={}"),
    ("token", "access_token%22%3A%22{}%22"),
    ("secret", "APP_SECRET={}"),
    ("secret", "https://x.example.com/cb?secret={}&page=1"),
    ("client-secret", "client_secret={}&grant_type=client_credentials"),
    ("client-secret", 'clientSecret: "{}"'),
    ("api-key", "API_KEY={}"),
    ("api-key", "curl -H 'X-Api-Key: {}' https://x.example.com"),
    ("api-key", "openai.api_key = '{}'"),
    ("api-key", '"apiKey":"{}"'),
    ("api-key", "tool --api-key {}"),
    ("access-key", "access_key={}"),
    ("private-key", "PRIVATE_KEY=0x{}"),
    ("secret-key", "SECRET_KEY = '{}'"),
    ("token", "TOKEN={} ./run"),
    ("token", "access_token={}"),
    ("token", '"refresh_token": "{}"'),
    ("token", "tool --token {}"),
    ("token", "bot-token: {}"),
    ("auth", '{{"auths": {{"ghcr.io": {{"auth": "{}"}}}}}}'),
    ("aws-secret-key", "aws_secret_access_key = {}"),
    ("aws-secret-key", "AWS_SECRET_ACCESS_KEY={}"),
    ("aws-secret-key", "aws configure set aws_secret_access_key --aws-secret-access-key {}"),
    ("railway-token", "RAILWAY_TOKEN={}"),
    ("heroku-api-key", "HEROKU_API_KEY={}"),
    ("cloudflare-token", "CLOUDFLARE_API_TOKEN={}"),
    ("datadog-api-key", "DATADOG_API_KEY={}"),
]

CARRIED = [
    ("url-password", "psql postgres://bob:{}@db.prod/app"),
    ("url-password", "redis://:{}@cache:6379/0"),
    ("url-password", "git clone https://bob:{}@git.example.com/x.git"),
    ("url-token", "git clone https://{}@git.example.com/x.git"),
    ("bearer-token", "curl -H 'Authorization: Bearer {}' https://x.example.com"),
    ("bearer-token", '{{"Authorization": "Bearer {}"}}'),
    ("bearer-token", 'headers["Authorization"] = "token {}"'),
    ("bearer-token", "Authorization: {}"),
    ("mysql-password", "mysql -u root -p{} -e 'select 1'"),
    ("mysql-password", "mysqldump -h db -p'{}' app"),
    ("sshpass-password", "sshpass -p {} ssh root@db"),
    ("redis-cli-password", "redis-cli -h cache -a {} flushall"),
    ("curl-password", "curl -u bob:{} https://x.example.com"),
    ("curl-password", "curl -sSu 'bob:{}' https://x.example.com"),
    ("curl-password", "curl --user bob:{} https://x.example.com"),
    ("mongo-password", "mongosh -u root -p {} --host db"),
    ("login-password", "docker login -u bob -p {} registry.example.com"),
    ("sqlcmd-password", "sqlcmd -S db -U sa -P {} -Q 'select 1'"),
    ("ldap-password", "ldapsearch -D cn=admin -w {} -b dc=x"),
    ("smbclient-password", "smbclient //host/share -U bob%{}"),
    ("openssl-password", "openssl rsa -in k.pem -passin pass:{}"),
    ("keytool-password", "keytool -list -storepass {} -keystore k.jks"),
    ("htpasswd-password", "htpasswd -bc /etc/nginx/htpasswd bob {}"),
    ("zip-password", "zip -P {} a.zip f"),
    ("7z-password", "7z x a.7z -p{}"),
    ("netrc-password", "machine git.example.com\n  login bob\n  password {}\n"),
    ("pgpass-password", "db.prod:5432:app:bob:{}\n"),
    ("azure-account-key", "DefaultEndpointsProtocol=https;AccountName=x;AccountKey={}==;"),
    ("azure-account-key", "Endpoint=sb://x/;SharedAccessKeyName=r;SharedAccessKey={}="),
    ("signed-url", "https://x.blob.core.windows.net/c/f?sv=2024&sig={}&se=2026"),
    ("npm-token", "//registry.example.com/:_authToken={}"),
    ("sql-password", "CREATE USER bob IDENTIFIED BY '{}'"),
    ("password", "echo 'bob:{}' | sudo chpasswd"),
    ("login-password", "echo {} | docker login -u bob --password-stdin"),
    ("secret-set-password", "gh secret set DEPLOY_KEY --body {}"),
    ("cookie", "curl -H 'Cookie: theme=dark; session={}' https://x.example.com"),
]


@pytest.mark.parametrize("round_", range(4))
@pytest.mark.parametrize(("kind", "form"), ASSIGNED + CARRIED, ids=[form[:40] for _, form in ASSIGNED + CARRIED])
def test_a_named_or_carried_secret_is_taken_out_whole(kind: str, form: str, round_: int) -> None:
    secret = fresh(20 + 4 * round_)
    text = form.format(secret)
    done = redact(text)
    assert secret[4:-4] not in done.text
    assert f"[REDACTED:{kind}]" in done.text
    assert redact(done.text).text == done.text
    assert done.text.startswith(text[: text.index(secret)].removesuffix("0x"))


@pytest.mark.parametrize(
    "password", ["hunter2", "S3cret!", "tr0ub4dor&3", "p@ss,w0rd9", "correct-horse-9", "2026!Winter"]
)
@pytest.mark.parametrize(
    "form", ["DB_PASSWORD='{}'", '{{"password": "{}"}}', 'password = "{}"', "client --password '{}'"]
)
def test_weak_passwords_count(password: str, form: str) -> None:
    assert password not in redact(form.format(password)).text


NOT_SECRET = """
password = get_password()
password = getpass.getpass("Password: ")
password=password, user=user
def login(user: str, password: str) -> None:
def connect(host, password=None):
password: string;
password?: string
password: Optional[SecretStr] = None
"password": "Password"
"password": "your-password-here"
PASSWORD=$PASSWORD
PASSWORD=${DB_PASSWORD}
PASSWORD="$(cat /run/secrets/db)"
PASSWORD=`pass show db`
DB_PASSWORD=changeme
DB_PASSWORD=<your-password>
DB_PASSWORD={{ vault_db_password }}
password: "{{ lookup('env', 'DB_PASSWORD') }}"
password: ${{ secrets.DB_PASSWORD }}
password_file=/run/secrets/db_password
POSTGRES_PASSWORD_FILE=/run/secrets/db_password
token = os.environ["TOKEN"]
token = process.env.API_TOKEN
const apiKey = config.apiKey;
api_key: str | None = None
apiKey: "xxxxxxxxxxxxxxxx"
API_KEY=null
api_key = settings.API_KEY
secret = true
secretName: my-app-tls-v2
secretKeyRef: {name: db, key: password}
max_tokens: 4096
next_token = response["nextToken"]
"nextPageToken": "CAUQAA1b2c3d4"
token_count = 12
tokens = tokenizer.encode(text)
token: Token
the token is parsed, see RFC 6750 for bearer tokens
Authorization: Bearer $TOKEN
Authorization: Bearer <token>
-H "Authorization: Bearer ${TOKEN}"
Authorization: Basic auth is not supported
author: "Jane Doe <jane@example.com>"
authorization = base64.decodebytes(value)
auth=HTTPBasicAuth(user, passwd)
--username and --password options
use --password-stdin or --token-file /etc/x
curl -u "$USER:$PASS" https://example.com
mysql -u root -p mydb
docker run -p 8080:80 nginx
docker compose -p myproject up
ssh -p 2222 host
mkdir -p /srv/app/data
postgres://user:password@localhost:5432/app
postgres://$USER:$PASS@localhost/app
https://example.com:8443/@scope/pkg
http://[::1]:8080/a@b
PWD=/srv/app OLDPWD=/srv
keyboard: {key: "ArrowDown"}
primary_key=True, foreign_key="users.id"
public_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGk4Zm9vYmFyYmF6cXV4MDEyMzQ1Njc4OTAxMjM0NTY bob@host
cache-key: npm-3f2c1a9e1b2d4c3e8f900123456789ab
sha256:3f2c1a9e1b2d4c3e8f900123456789ab3f2c1a9e1b2d4c3e8f900123456789ab
grep -rn "BEGIN RSA PRIVATE KEY" . && grep -- "-----BEGIN PRIVATE KEY-----" f
'as', 'pass', 'raise', 'return', 'try', 'while'
kubectl create secret generic db --from-file=./db.txt
vault kv get secret/myapp/config
if password == "" or token != expected_token:
x-risk-task-desk sk-circle-fade-dot sk-cube-grid
re_compile_internal rnd_state hf_hub_download npm_config_registry
""".strip().splitlines()


@pytest.mark.parametrize("line", NOT_SECRET)
def test_what_only_looks_like_a_secret_stays(line: str) -> None:
    assert redact(line).text == line
    assert redact(json.dumps({"tool_input": {"command": line}})).kinds == ()


def pem(label: str, joint: str, lines: int = 6) -> tuple[str, list[str]]:
    body = [fresh(64) for _ in range(lines)] + [fresh(12)]
    text = joint.join([f"-----BEGIN {label}PRIVATE" + " KEY-----", *body, f"-----END {label}PRIVATE" + " KEY-----"])
    return text, body


@pytest.mark.parametrize("label", ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "])
@pytest.mark.parametrize("joint", ["\n", "\\n", "\\\\n", "\r\n", "\n    ", '",\n"', "\\r\\n"])
def test_private_keys_in_any_line_form(label: str, joint: str) -> None:
    text, body = pem(label, joint)
    done = redact(f'{{"private_key": "{text}\\n", "client_email": "a@b.example"}}')
    assert done.kinds[0] == "private-key"
    assert not any(line in done.text for line in body)
    assert "a@b.example" in done.text
    assert redact(done.text).text == done.text


@pytest.mark.parametrize("joint", ["\n", "\\n"])
def test_a_private_key_that_is_cut_off(joint: str) -> None:
    text, body = pem("", joint)
    cut = text[: text.index("-----END")].rstrip("\\n")
    done = redact(cut)
    assert not any(line in done.text for line in body)


def test_deep_and_wide_values() -> None:
    value: object = {"password": "hunter2hunter2"}
    for _ in range(50_000):
        value = [{"k": value}]
    done, kinds = redact_value(value)
    for _ in range(50_000):
        done = done[0]["k"]
    assert done == {"password": "[REDACTED:password]"}
    assert kinds == ("password",)


def test_values_under_secret_keys() -> None:
    given = {
        "password": "correct horse battery staple 9",
        "client_secret": "abc",
        "token": "next",
        "max_tokens": 4096,
        "secretName": "my-tls",
        "nothing": None,
        "argv": ["client", "--password", "hunter2", "--host", "db"],
        "env": [{"name": "API_KEY", "value": "q1w2e3r4t5y6"}, {"name": "PATH", "value": "/usr/bin"}],
        "passwords": ["first1st", "second2nd"],
        "reference": {"password": "${DB_PASSWORD}"},
    }
    done, kinds = redact_value(given)
    assert done == {
        "password": "[REDACTED:password]",
        "client_secret": "[REDACTED:client-secret]",
        "token": "next",
        "max_tokens": 4096,
        "secretName": "my-tls",
        "nothing": None,
        "argv": ["client", "--password", "[REDACTED:password]", "--host", "db"],
        "env": [{"name": "API_KEY", "value": "[REDACTED:api-key]"}, {"name": "PATH", "value": "/usr/bin"}],
        "passwords": ["[REDACTED:password]", "[REDACTED:password]"],
        "reference": {"password": "${DB_PASSWORD}"},
    }
    assert set(kinds) == {"password", "client-secret", "api-key"}
    assert redact_value(done) == (done, ())


def test_keys_that_hold_secrets_stay_apart() -> None:
    one, two = ("gh" + "p_" + fresh(36) for _ in range(2))
    done, kinds = redact_value({one: 1, two: 2, 3: 4})
    assert done == {"[REDACTED:github-pat]": 1, "[REDACTED:github-pat]'": 2, 3: 4}
    assert kinds == ("github-pat",)


def test_overlapping_evidence_is_one_mark_named_by_the_strongest() -> None:
    token = "gh" + "p_" + fresh(36)
    assert redact(f"GITHUB_TOKEN='{token}'").text == "GITHUB_TOKEN='[REDACTED:github-pat]'"
    assert redact(f"https://x:{token}@github.com/a/b").text == "https://x:[REDACTED:github-pat]@github.com/a/b"
    assert secrets(f"a {token}") == [("github-pat", 2, 2 + len(token))]


def test_a_forged_mark_hides_nothing_after_a_name() -> None:
    done = redact("password=hunter2hunter2[REDACTED:x] PASSWORD=hunter3hunter3")
    assert "hunter2" not in done.text
    assert "hunter3" not in done.text
