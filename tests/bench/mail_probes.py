"""Sessions that bring no mail: scanners, password guesses, zombies; and other programs' lines."""

from __future__ import annotations

from collections import deque
from random import Random

from mail_pools import POOL, SECOND, Client, Pools
from mail_queue import Put, Queue
from mail_replies import FOREIGN, PROBES, weighted

_PROBE = weighted([one[0] for one in PROBES])


class Door(Queue):
    """The smtpd processes of one machine, and those who knock in vain."""

    def __init__(
        self, name: str, rng: Random, pools: Pools, put: Put, span: tuple[int, int], long_ids: bool
    ) -> None:
        """See `Queue`."""
        super().__init__(name, rng, pools, put, span, long_ids)
        self.idle: deque[tuple[int, int, int]] = deque()  # smtpd: free from, pid, sessions served
        self.anvil = f"{self.head}anvil[{self.pid()}]: statistics: "
        self.screen = f"{self.head}postscreen[{self.pid()}]: "
        self.dnsblog = f"{self.head}dnsblog[{self.pid()}]: addr "

    def smtpd(self, now: int) -> tuple[int, int]:
        """An idle smtpd, or a new one; each serves 100 sessions (max_use)."""
        if self.idle and self.idle[0][0] <= now:
            _, pid, served = self.idle.popleft()
            return pid, served
        return self.pid(), 0

    def release(self, now: int, pid: int, served: int) -> None:
        """The session is over."""
        if served < 99:
            self.idle.append((now + 1, pid, served + 1))

    def start(self) -> None:
        """The two lines at the head of the log."""
        self.put(
            1000,
            "start",
            f"{self.head}postfix-script[{self.pid()}]: starting the Postfix mail system",
        )
        self.put(
            5000,
            "start",
            f"{self.head}master[{self.pid()}]: "
            "daemon started -- version 3.7.11, configuration /etc/postfix",
        )

    def probe(self, now: int) -> None:
        """A scanner: connects, asks something, leaves."""
        pid, served = self.smtpd(now)
        client = self.pools.bots[int(self.random() * POOL)]
        head = f"{self.head}smtpd[{pid}]: "
        _, counters, failed = PROBES[_PROBE[int(self.random() * 1024)]]
        self.put(now, "connect", f"{head}connect from {client.tag}")
        now += 30_000 + int(self.random() * 3_000_000)
        if counters.startswith("commands"):
            self.put(now, "lost", f"{head}lost connection after CONNECT from {client.tag}")
        if counters.startswith("unknown"):
            self.put(
                now, "warning", f"{head}warning: non-SMTP command from {client.tag}: GET / HTTP/1.1"
            )
        now += 100
        tag = f"disconnect||||{failed}" if failed else "disconnect"
        self.put(now, tag, f"{head}disconnect from {client.tag} {counters}")
        self.release(now, pid, served)

    def password(self, now: int) -> None:
        """Somebody guesses a password."""
        put, random = self.put, self.random
        pid, served = self.smtpd(now)
        client = self.pools.bots[int(random() * POOL)]
        user = self.pools.local[int(random() * POOL)].address if random() < 0.5 else "admin"
        service = "submission/smtpd" if random() < 0.6 else "smtpd"
        head = f"{self.head}{service}[{pid}]: "
        put(now, "connect", f"{head}connect from {client.tag}")
        now += 100_000 + int(random() * 900_000)
        if random() < 0.5:
            put(
                now,
                "warning",
                f"{head}warning: SASL authentication failure: Password verification failed",
            )
        reason = "UGFzc3dvcmQ6" if random() < 0.5 else "authentication failure"
        put(
            now + 30,
            "auth-failed",
            f"{head}warning: {client.tag}: SASL LOGIN authentication "
            f"failed: {reason}, sasl_username={user}",
        )
        now += 50_000 + int(random() * 90_000)
        put(now, "lost", f"{head}lost connection after AUTH from {client.tag}")
        put(
            now + 40,
            "disconnect||||auth=1",
            f"{head}disconnect from {client.tag} ehlo=1 auth=0/1 commands=1/2",
        )
        self.release(now + 40, pid, served)

    def screened(self, now: int) -> None:
        """A zombie that postscreen keeps out."""
        put, random = self.put, self.random
        bot = self.pools.bots[int(random() * POOL)]
        peer = f"[{bot.ip}]:{1024 + int(random() * 60_000)}"
        put(now, "postscreen", f"{self.screen}CONNECT from {peer} to [192.0.2.25]:25")
        if random() < 0.4:
            now += 40_000
            put(
                now,
                "postscreen",
                f"{self.screen}PREGREET 11 after 0.04 from {peer}: EHLO User\\r\\n",
            )
        if random() < 0.8:
            now += 15_000
            put(
                now, "dnsblog", f"{self.dnsblog}{bot.ip} listed by domain zen.rbl.test as 127.0.0.4"
            )
            now += 2_000_000
            put(now, "postscreen", f"{self.screen}DNSBL rank 3 for {peer}")
            if random() < 0.7:
                now += 200_000
                sender = self.pools.senders[int(random() * len(self.pools.senders))].address
                to = self.pools.local[int(random() * POOL)].address
                put(
                    now,
                    "reject|rejected|inbound|550",
                    f"{self.screen}NOQUEUE: reject: RCPT from "
                    f"{peer}: 550 5.7.1 Service unavailable; client [{bot.ip}] blocked using "
                    f"zen.rbl.test; from=<{sender}>, to=<{to}>, proto=ESMTP, helo=<{bot.helo}>",
                )
        else:
            now += 900_000
            put(
                now,
                "postscreen",
                f"{self.screen}HANGUP after 0.9 from {peer} in tests before SMTP handshake",
            )
        put(now + 30_000, "postscreen", f"{self.screen}DISCONNECT {peer}")

    def noise(self, now: int) -> None:
        """Lines of other programs."""
        random = self.random
        user = self.pools.local[int(random() * POOL)].address
        ip = self.pools.clients[int(random() * POOL)].ip
        for _ in range(3):
            text = FOREIGN[int(random() * len(FOREIGN))]
            text = text.format(user=user, ip=ip, token=self.token(), pid=self.next_pid)
            self.put(now, "foreign", f"{self.name} {text}")
            now += 40_000

    def statistics(self, now: int, client: Client) -> None:
        """What anvil writes after a quiet while."""
        now += 200 * SECOND
        at = f"for (smtp:{client.ip}) at Nov 22 10:00:00"
        self.put(now, "anvil", f"{self.anvil}max connection rate 3/60s {at}")
        self.put(now + 10, "anvil", f"{self.anvil}max connection count 2 {at}")
        self.put(now + 20, "anvil", f"{self.anvil}max cache size 7 at Nov 22 10:00:00")
