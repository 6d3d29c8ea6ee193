-- The schema of version 1 with a few rows, frozen: every later version must open it.
PRAGMA auto_vacuum=INCREMENTAL;
PRAGMA journal_mode=WAL;
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE events (
  seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, source TEXT NOT NULL, session TEXT NOT NULL,
  agent TEXT NOT NULL, actor TEXT NOT NULL, subject TEXT NOT NULL, tier INTEGER NOT NULL, severity INTEGER NOT NULL,
  summary TEXT NOT NULL, data TEXT NOT NULL, uid TEXT, prev TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
CREATE TABLE floor (seq INTEGER PRIMARY KEY, hash TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE TABLE heads (seq INTEGER PRIMARY KEY, hash TEXT NOT NULL, at INTEGER NOT NULL, sent_to TEXT NOT NULL) STRICT;
CREATE TABLE escalations (
  n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, state TEXT NOT NULL, version INTEGER NOT NULL,
  digest TEXT NOT NULL, asked TEXT NOT NULL, tier INTEGER NOT NULL,
  client TEXT NOT NULL, session TEXT NOT NULL, subagent TEXT NOT NULL, agent TEXT NOT NULL, call TEXT NOT NULL,
  tool TEXT NOT NULL, cwd TEXT NOT NULL, input TEXT NOT NULL, choices TEXT NOT NULL,
  verdict TEXT NOT NULL, policy TEXT NOT NULL, raw TEXT NOT NULL,
  opened_at INTEGER NOT NULL, changed_at INTEGER NOT NULL, deadline INTEGER NOT NULL, next_at INTEGER,
  page_at INTEGER, hold_until INTEGER, hold_by TEXT NOT NULL, approvals TEXT NOT NULL, attached INTEGER NOT NULL, waiter TEXT NOT NULL,
  decided_by TEXT NOT NULL, decided_at INTEGER, decision TEXT NOT NULL, reason TEXT NOT NULL, answer TEXT NOT NULL,
  used_at INTEGER) STRICT;
CREATE TABLE sessions (
  id TEXT PRIMARY KEY, client TEXT NOT NULL, agent TEXT NOT NULL, provable INTEGER NOT NULL, mapped_by TEXT NOT NULL,
  uid INTEGER NOT NULL, pid INTEGER NOT NULL, started INTEGER NOT NULL, boot TEXT NOT NULL, cwd TEXT NOT NULL,
  transcript TEXT NOT NULL, mode TEXT NOT NULL, attended INTEGER NOT NULL, scope TEXT NOT NULL,
  opened_at INTEGER NOT NULL, seen_at INTEGER NOT NULL, ended_at INTEGER, end_reason TEXT NOT NULL,
  parked_on TEXT NOT NULL, stopped TEXT NOT NULL,
  calls INTEGER NOT NULL, refused INTEGER NOT NULL, asked INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE agents (
  name TEXT PRIMARY KEY, owner TEXT NOT NULL, uid INTEGER, role TEXT NOT NULL, model TEXT NOT NULL, scope TEXT NOT NULL,
  rules TEXT NOT NULL, unattended TEXT NOT NULL, enrolled_at INTEGER NOT NULL, enrolled_by TEXT NOT NULL,
  revoked_at INTEGER, revoked_by TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE scopes (
  id TEXT PRIMARY KEY, agent TEXT NOT NULL, kind TEXT NOT NULL, cgroup TEXT NOT NULL, pid INTEGER NOT NULL,
  started INTEGER NOT NULL, boot TEXT NOT NULL, uid INTEGER NOT NULL, command TEXT NOT NULL,
  opened_at INTEGER NOT NULL, closed_at INTEGER, exit INTEGER) STRICT, WITHOUT ROWID;
CREATE TABLE grants (
  n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, escalation TEXT NOT NULL, effect TEXT NOT NULL, tool TEXT NOT NULL,
  target TEXT NOT NULL, session TEXT NOT NULL, made_by TEXT NOT NULL, made_at INTEGER NOT NULL,
  until INTEGER NOT NULL, uses INTEGER NOT NULL, used INTEGER NOT NULL, reason TEXT NOT NULL,
  revoked_at INTEGER, revoked_by TEXT NOT NULL) STRICT;
CREATE TABLE outbox (
  n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, key TEXT NOT NULL UNIQUE, channel TEXT NOT NULL, subject TEXT NOT NULL,
  body TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL, next_at INTEGER, made_at INTEGER NOT NULL,
  sent_at INTEGER, error TEXT NOT NULL) STRICT;
CREATE TABLE cursors (consumer TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE policies (
  version TEXT PRIMARY KEY, at INTEGER NOT NULL, author TEXT NOT NULL, text TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE VIRTUAL TABLE "events_fts" USING FTS5 (
    "summary",
    tokenize='unicode61',
    content="events"
);
CREATE UNIQUE INDEX events_uid ON events(uid) WHERE uid IS NOT NULL;
CREATE INDEX events_session ON events(session, seq) WHERE session <> '';
CREATE INDEX events_agent ON events(agent, seq) WHERE agent <> '';
CREATE INDEX events_kind ON events(kind, seq);
CREATE INDEX events_subject ON events(subject, seq) WHERE subject <> '';
CREATE INDEX events_severe ON events(seq) WHERE severity >= 2;
CREATE INDEX events_at ON events(at, kind);
CREATE INDEX escalations_open ON escalations(n) WHERE state IN ('pending', 'held', 'deferred');
CREATE INDEX escalations_next ON escalations(next_at) WHERE next_at IS NOT NULL;
CREATE INDEX escalations_session ON escalations(session, n);
CREATE INDEX escalations_call ON escalations(session, subagent, call, digest);
CREATE INDEX sessions_seen ON sessions(seen_at);
CREATE INDEX sessions_live ON sessions(pid) WHERE ended_at IS NULL;
CREATE INDEX grants_live ON grants(session, until) WHERE revoked_at IS NULL;
CREATE INDEX outbox_next ON outbox(next_at) WHERE state = 'waiting';
CREATE INDEX outbox_subject ON outbox(subject, n);
INSERT INTO events VALUES(1,1790000000000,'tool.passed','gate','s-0','agent-0','serve','esc-0000',1,0,'Bash ls number 0 é','{"i":0}',NULL,'0000000000000000000000000000000000000000000000000000000000000000','c3a4a831acc10b243256f3d29cf1f1079aba25a6b3a6de88f6ce158a374f8fde');
INSERT INTO events VALUES(2,1790000000001,'escalation.opened','gate','s-1','agent-1','serve','esc-0001',1,1,'Bash ls number 1 é','{"i":1}','u1','c3a4a831acc10b243256f3d29cf1f1079aba25a6b3a6de88f6ce158a374f8fde','185c77b7c8704fe62e6155174b67be3dcefc0f2e29a16c770c00c38618a0dda0');
INSERT INTO events VALUES(3,1790000000002,'session.started','gate','s-0','agent-0','serve','esc-0002',1,2,'Bash ls number 2 é','{"i":2}',NULL,'185c77b7c8704fe62e6155174b67be3dcefc0f2e29a16c770c00c38618a0dda0','749b349e66f3dca62732eddcfa54d9972ec45a83a50f08329ee71c8d66b4470c');
INSERT INTO events VALUES(4,1790000000003,'tool.passed','gate','s-1','agent-1','serve','esc-0003',1,3,'Bash ls number 3 é','{"i":3}','u3','749b349e66f3dca62732eddcfa54d9972ec45a83a50f08329ee71c8d66b4470c','86c98b50624337ce9d8a66e9eade367bd890e11942890aca6f7338833d6480be');
INSERT INTO events VALUES(5,1790000000004,'escalation.opened','gate','s-0','agent-0','serve','esc-0004',1,0,'Bash ls number 4 é','{"i":4}',NULL,'86c98b50624337ce9d8a66e9eade367bd890e11942890aca6f7338833d6480be','c4dd0d67d56ec2a53920b0b3c0f301160457303179664b60a7aeffd0d450b833');
INSERT INTO events VALUES(6,1790000000005,'session.started','gate','s-1','agent-1','serve','esc-0005',1,1,'Bash ls number 5 é','{"i":5}','u5','c4dd0d67d56ec2a53920b0b3c0f301160457303179664b60a7aeffd0d450b833','209ab43d936502d20a1925385190a00ead8b32c8417ee223b24e7fa08f6ef5d3');
INSERT INTO events VALUES(7,1790000000006,'tool.passed','gate','s-0','agent-0','serve','esc-0006',1,2,'Bash ls number 6 é','{"i":6}',NULL,'209ab43d936502d20a1925385190a00ead8b32c8417ee223b24e7fa08f6ef5d3','c0a66d99dd7dd21cd7b0e0b5d45fef5846fff937ed50210778aba37365b2171b');
INSERT INTO events VALUES(8,1790000000007,'escalation.opened','gate','s-1','agent-1','serve','esc-0007',1,3,'Bash ls number 7 é','{"i":7}','u7','c0a66d99dd7dd21cd7b0e0b5d45fef5846fff937ed50210778aba37365b2171b','e4988342f2b9dda3873dac17d4237d2f9d3bc6f75c3ed814199684efafc3791f');
INSERT INTO events VALUES(9,1790000000008,'session.started','gate','s-0','agent-0','serve','esc-0008',1,0,'Bash ls number 8 é','{"i":8}',NULL,'e4988342f2b9dda3873dac17d4237d2f9d3bc6f75c3ed814199684efafc3791f','672a46fe475a9e9aebf21ba713f76c7438b23254703972f62e461abb0ecc615e');
INSERT INTO events VALUES(10,1790000000009,'tool.passed','gate','s-1','agent-1','serve','esc-0009',1,1,'Bash ls number 9 é','{"i":9}','u9','672a46fe475a9e9aebf21ba713f76c7438b23254703972f62e461abb0ecc615e','5f91db36ddf72ded188d3095a785af7b093c1f7199c6a2edad4e2262cd5b2e82');
INSERT INTO events VALUES(11,1790000000010,'escalation.opened','gate','s-0','agent-0','serve','esc-0010',1,2,'Bash ls number 10 é','{"i":10}',NULL,'5f91db36ddf72ded188d3095a785af7b093c1f7199c6a2edad4e2262cd5b2e82','8727a0d2c44db84af8f6fdb02b040eaaad91fd5d4c7eeab15a1f61976eaadf01');
INSERT INTO events VALUES(12,1790000000011,'session.started','gate','s-1','agent-1','serve','esc-0011',1,3,'Bash ls number 11 é','{"i":11}','u11','8727a0d2c44db84af8f6fdb02b040eaaad91fd5d4c7eeab15a1f61976eaadf01','6d6a9674d1799251c550bc3cd0c6e0dc54391bd8979a201d354b005909ddf79a');
INSERT INTO heads VALUES(5,'c4dd0d67d56ec2a53920b0b3c0f301160457303179664b60a7aeffd0d450b833',1790000000005,'file:/x');
INSERT INTO events_fts(events_fts) VALUES('rebuild');
CREATE TRIGGER events_no_update BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'the fleet log is append-only'); END;
CREATE TRIGGER events_no_delete BEFORE DELETE ON events
  WHEN OLD.seq > coalesce((SELECT max(seq) FROM floor), 0)
  BEGIN SELECT RAISE(ABORT, 'the fleet log is append-only'); END;
CREATE TRIGGER events_no_replace BEFORE INSERT ON events
  WHEN EXISTS (SELECT 1 FROM events WHERE seq = NEW.seq) OR EXISTS (SELECT 1 FROM events WHERE uid = NEW.uid)
  BEGIN SELECT RAISE(ABORT, 'the fleet log is append-only'); END;
CREATE TRIGGER floor_no_update BEFORE UPDATE ON floor BEGIN SELECT RAISE(ABORT, 'the floor only rises'); END;
CREATE TRIGGER floor_no_delete BEFORE DELETE ON floor BEGIN SELECT RAISE(ABORT, 'the floor only rises'); END;
CREATE TRIGGER events_indexed AFTER INSERT ON events
  BEGIN INSERT INTO events_fts(rowid, summary) VALUES (NEW.seq, NEW.summary); END;
CREATE TRIGGER events_unindexed AFTER DELETE ON events
  BEGIN INSERT INTO events_fts(events_fts, rowid, summary) VALUES ('delete', OLD.seq, OLD.summary); END;
PRAGMA user_version=1;
