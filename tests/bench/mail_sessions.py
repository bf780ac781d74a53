"""SMTP sessions of one Postfix host: messages handed in and recipients refused."""

from __future__ import annotations

from mail_pools import POOL, SECOND
from mail_probes import Door
from mail_replies import REJECTS, weighted

_REJECT = weighted([one.weight for one in REJECTS])
_TLS = (
    "TLS_AES_256_GCM_SHA384 (256/256 bits)",
    "TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 server-signature RSA-PSS",
    "TLS_AES_128_GCM_SHA256 (128/128 bits)",
)


class Host(Door):
    """One machine and the sessions it sees."""

    def session(self, now: int) -> None:
        """Something happens: a message comes in or goes out, or somebody tries in vain."""
        random = self.random
        if 11_400 <= now // SECOND % 86_400 < 11_580 and random() < 0.5:  # 03:10: dictionary
            self.refused(now, 2 if random() < 0.95 else 0)
            return
        pick = random()
        if pick < 0.42:
            self.message(now, inbound=True)
        elif pick < 0.69:
            self.message(now, inbound=False)
        elif pick < 0.80:
            self.refused(now, _REJECT[int(random() * 1024)])
        elif pick < 0.89:
            self.probe(now)
        elif pick < 0.94:
            self.password(now)
        elif pick < 0.99:
            self.screened(now)
        else:
            self.noise(now)

    def message(self, now: int, *, inbound: bool) -> None:
        """A session that hands in one message, sometimes after a refused recipient."""
        put, random, pools = self.put, self.random, self.pools
        pid, served = self.smtpd(now)
        start = now
        auth, tls = "", random() < 0.7
        if inbound:
            client = pools.clients[int(random() * POOL)]
            sender = pools.senders[(client.person + int(random() * 4)) % len(pools.senders)]
            service = "smtpd"
            if random() < 0.35:
                port = 1024 + int(random() * 60_000)
                put(
                    now,
                    "postscreen",
                    f"{self.screen}CONNECT from [{client.ip}]:{port} to [192.0.2.25]:25",
                )
                put(now + 300, "postscreen", f"{self.screen}PASS OLD [{client.ip}]:{port}")
                now += 900
            helo, ok = "ehlo=1", 5
        else:
            sender = pools.local[int(random() * POOL)]
            if random() < 0.6:
                client = pools.clients[int(random() * POOL)]
                service, tls = "submission/smtpd", True
                method = "PLAIN" if random() < 0.7 else "LOGIN"
                auth = f", sasl_method={method}, sasl_username={sender.address}"
            else:
                client, service = pools.relays[int(random() * len(pools.relays))], "smtpd"
            helo, ok = "ehlo=1", 5
        head = f"{self.head}{service}[{pid}]: "
        if inbound and client.tag.startswith("unknown") and random() < 0.4:
            name = f"{client.helo} does not resolve to address {client.ip}"
            put(now, "warning", f"{head}warning: hostname {name}")
        put(now + 10, "connect", f"{head}connect from {client.tag}")
        now += 2000 + int(random() * 90_000)
        if tls:
            put(
                now,
                "tls",
                f"{head}Anonymous TLS connection established from {client.tag}: "
                f"TLSv1.3 with cipher {_TLS[int(random() * 3)]}",
            )
            helo, ok = "ehlo=2 starttls=1", 7
            now += 1000 + int(random() * 60_000)
        if auth:
            helo, ok = f"{helo} auth=1", ok + 1
        pick = random()
        count = 1 if pick < 0.9 else 2 if pick < 0.97 else 2 + int(random() * 18)
        pool = pools.local if inbound else pools.remote
        people = [pool[int(random() * POOL)] for _ in range(count)]
        if not inbound and random() < 0.15:
            people[0] = pools.local[int(random() * POOL)]
        queue_id = self.queue_id(now)
        put(now, "client", f"{head}{queue_id}: client={client.tag}{auth}")
        rcpt = f"rcpt={count}"
        extra, failed = 0, ""
        if random() < 0.02:  # a further recipient is refused, with the queue id in the line
            now += 500
            bad = pools.unknown[int(random() * len(pools.unknown))]
            put(
                now,
                "reject|rejected|inbound|550",
                f"{head}{queue_id}: reject: RCPT from "
                f"{client.tag}: 550 5.1.1 <{bad}>: Recipient address rejected: User unknown in "
                f"virtual mailbox table; from=<{sender.address}> to=<{bad}> proto=ESMTP "
                f"helo=<{client.helo}>",
            )
            rcpt, extra, failed = f"rcpt={count}/{count + 1}", 1, "||||rcpt=1"
        now += 3000 + int(random() * 50_000)
        cleanup = self.cleanups[int(random() * 12)]
        put(
            now,
            "message-id",
            f"{cleanup}{queue_id}: message-id=<{self.token()}."
            f"{int(random() * 1e9)}@{sender.domain}>",
        )
        now += 1000 + int(random() * 20_000)
        size = int(1500 * 1.6 ** (random() * 12))
        data = "data=1"
        if inbound and random() < 0.01:
            put(
                now,
                "reject|rejected|inbound",
                f"{cleanup}{queue_id}: milter-reject: "
                f"END-OF-MESSAGE from {client.tag}: 5.7.1 Spam message rejected; "
                f"from=<{sender.address}> to=<{people[0].address}> proto=ESMTP "
                f"helo=<{client.helo}>",
            )
            data, extra = "data=0/1", extra + 1
            failed = f"{failed},data=1" if failed else "||||data=1"
        else:
            self.queued(now, queue_id, sender, people, size)
        now += 1500 + int(random() * 40_000)
        ok += count - 1
        done = ok if not extra else ok - (data != "data=1")
        total = f"commands={done}/{ok + extra - (data != 'data=1')}" if extra else f"commands={ok}"
        put(
            now,
            f"disconnect{failed}",
            f"{head}disconnect from {client.tag} {helo} mail=1 {rcpt} {data} quit=1 {total}",
        )
        self.release(now, pid, served)
        if start % 97 == 0:
            self.statistics(now, client)

    def refused(self, now: int, which: int) -> None:
        """A client whose recipients, or sender, we do not take."""
        put, random, pools = self.put, self.random, self.pools
        kind = REJECTS[which]
        pid, served = self.smtpd(now)
        bot = kind.code in ("554", "504", "550") and random() < 0.8
        client = (pools.bots if bot else pools.clients)[int(random() * POOL)]
        sender = pools.senders[int(random() * len(pools.senders))].address
        head = f"{self.head}smtpd[{pid}]: "
        put(now, "connect", f"{head}connect from {client.tag}")
        tries = 1 + int(random() * 6) if kind.to == "unknown" else 1
        for _ in range(tries):
            now += 20_000 + int(random() * 300_000)
            if kind.to == "unknown":
                to = pools.unknown[int(random() * len(pools.unknown))]
            else:
                pool = pools.remote if kind.to == "remote" else pools.local
                to = pool[int(random() * POOL)].address
            text = kind.text.format(
                to=to, ip=client.ip, helo=client.helo, sender=sender, client=client.tag
            )
            field = "" if kind.to == "none" else f" to=<{to}>"
            put(
                now,
                f"reject|rejected|inbound|{kind.code}",
                f"{head}NOQUEUE: reject: {kind.stage} "
                f"from {client.tag}: {kind.code} {text}; from=<{sender}>{field} proto=ESMTP "
                f"helo=<{client.helo}>",
            )
        now += 3000 + int(random() * 90_000)
        if kind.stage == "MAIL":
            counters, failed = "ehlo=1 mail=0/1 quit=1 commands=2/3", "mail=1"
        elif random() < 0.25:
            counters = f"ehlo=1 mail=1 rcpt=0/{tries} commands=2/{2 + tries}"
            failed = f"rcpt={tries}"
            put(now, "lost", f"{head}lost connection after RCPT from {client.tag}")
            now += 50
        else:
            counters = f"ehlo=1 mail=1 rcpt=0/{tries} rset=1 quit=1 commands=4/{4 + tries}"
            failed = f"rcpt={tries}"
        put(now, f"disconnect||||{failed}", f"{head}disconnect from {client.tag} {counters}")
        self.release(now, pid, served)
