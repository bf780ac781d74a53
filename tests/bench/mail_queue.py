"""The queue of one Postfix host: queue ids, delivery attempts, retries and notifications."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from mail_pools import POOL, SECOND, Person, Pools, delays
from mail_replies import ATTEMPTS, FAILURES, LOCAL_FAILURES, SENT, Outcome, weighted

# Takes microseconds since the log's begin, a tag, and the line without its time stamp.
# A tag says what a line is: kind|outcome|direction|code|failed commands; trailing parts optional.
Put = Callable[[int, str, str], None]
Failed = tuple[Person, Outcome]

_B52 = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz"
_FAILURE = weighted([one.weight for one in FAILURES])
_LOCAL_FAILURE = weighted([one.weight for one in LOCAL_FAILURES])
_RETRIES = (300, 900, 2100, 4500, 8500, 14_400)  # seconds; the last is maximal_queue_lifetime


def base52(value: int, digits: int, base: int = 52) -> str:
    """A number in the alphabet of Postfix' long queue ids."""
    text = ""
    while value or len(text) < digits:
        value, digit = divmod(value, base)
        text = _B52[digit] + text
    return text


class Queue:
    """Queue manager and delivery agents of one machine."""

    def __init__(
        self, name: str, rng: Random, pools: Pools, put: Put, span: tuple[int, int], long_ids: bool
    ) -> None:
        """`span` is the epoch second of the first line and the microseconds the log covers."""
        self.name, self.long_ids, self.pools, self.put = name, long_ids, pools, put
        self.begin, self.end = span
        self.random = rng.random
        self.next_pid, self.serial = 1000, 0
        self.busy: dict[str, int] = {}  # ids of deferred messages: when they are free again
        self.head = f"{name} postfix/"
        self.qmgr = f"{self.head}qmgr[{self.pid()}]: "
        self.bounce = f"{self.head}bounce[{self.pid()}]: "
        self.cleanups = [f"{self.head}cleanup[{self.pid()}]: " for _ in range(12)]
        self.smtps = [f"{self.head}smtp[{self.pid()}]: " for _ in range(40)]
        kinds = ("lmtp", "lmtp", "lmtp", "local", "virtual")
        self.agents = [(kind, f"{self.head}{kind}[{self.pid()}]: ") for kind in kinds]

    def pid(self) -> int:
        """A process id never used before, growing like the kernel's."""
        self.next_pid += 1 + int(self.random() * 9)
        return self.next_pid

    def queue_id(self, now: int) -> str:
        """A queue id as Postfix makes it, from the clock and the inode; free at this time."""
        clock, micros = divmod(now, SECOND)
        while True:
            self.serial += 1
            inode = 0x196900 + self.serial % 4096
            if self.long_ids:
                stamp = base52(self.begin + clock, 6) + base52(micros, 4)
                return f"{stamp}z{base52(inode, 1, 51)}"
            queue_id = f"{micros:05X}{inode:X}"
            if self.busy.get(queue_id, -1) < now:
                return queue_id

    def token(self) -> str:
        """A queue id of somebody else."""
        return f"{int(self.random() * 0xFFFFFFFFFF):010X}"

    def queued(
        self, now: int, queue_id: str, sender: Person | None, people: list[Person], size: int
    ) -> None:
        """A message enters the queue and lives in it until it is removed."""
        put, random = self.put, self.random
        origin = sender.address if sender else ""
        active = f"{self.qmgr}{queue_id}: from=<{origin}>, size={size}, nrcpt={len(people)} "
        put(now, "queued" if sender else "queued-notification", f"{active}(queue active)")
        born, last, bounced = now, now, False
        waiting: list[Failed] = []
        for person in people:
            pick = random()
            failure: Outcome | None = None
            if not person.peer:
                if pick < 0.008:
                    failure = LOCAL_FAILURES[_LOCAL_FAILURE[int(random() * 1024)]]
            elif pick < 0.075:
                failure = FAILURES[_FAILURE[int(random() * 1024)]]
            done = self.attempt(now, queue_id, origin, person, failure, 0)
            last = max(last, done)
            if failure is None:
                continue
            if failure.status == "bounced":
                bounced = True
            else:
                waiting.append((person, failure))
        if bounced:
            last = self.notify(last, queue_id, sender)
        last = self.retry(born, last, queue_id, sender, active, waiting) if waiting else last
        put(last + 200, "removed", f"{self.qmgr}{queue_id}: removed")

    def retry(
        self,
        born: int,
        last: int,
        queue_id: str,
        sender: Person | None,
        active: str,
        waiting: list[Failed],
    ) -> int:
        """Try the deferred recipients again until none is left; the time of the last line."""
        origin = sender.address if sender else ""
        for age in _RETRIES:
            now = max(born + age * SECOND, last) + int(self.random() * 240 * SECOND)
            self.busy[queue_id] = now + 300 * SECOND
            last = now
            if now >= self.end:
                break  # still in the queue when the log ends
            self.put(now, "requeued", f"{active}(queue active)")
            again: list[Failed] = []
            for person, failure in waiting:
                well = self.random() < (0.55 if failure.code else 0.12)
                result = None if well else failure
                done = self.attempt(now, queue_id, origin, person, result, now - born)
                last = max(last, done)
                if not well:
                    again.append((person, failure))
            waiting = again
            if not waiting:
                return last
        if last < self.end:
            text = f"{queue_id}: from=<{origin}>, status=expired, returned to sender"
            self.put(last + 100, "expired|expired", f"{self.qmgr}{text}")
            last = self.notify(last + 200, queue_id, sender)
        return last

    def attempt(
        self,
        now: int,
        queue_id: str,
        origin: str,
        person: Person,
        failure: Outcome | None,
        age: int,
    ) -> int:
        """One delivery line, perhaps after another server's refusal; the time of the line."""
        random, pools = self.random, self.pools
        pool = pools.fast if failure is None and random() < 0.5 else pools.slow
        delay = (pools.timeout if failure and failure.slow else pool)[int(random() * 4096)]
        now += delay.micros
        took = delay.text
        if age:
            took = delays(age / SECOND, 0.02, 0.1, delay.micros / SECOND)
        if not person.peer:
            return self.local(now, queue_id, person, failure, took)
        head = self.smtps[int(random() * 40)]
        peer = person.peer
        if random() < 0.012:  # the first server would not have it
            code, text = ATTEMPTS[int(random() * len(ATTEMPTS))]
            tag = f"attempt|attempt|outbound|{code}"
            self.put(now - 300, tag, f"{head}{queue_id}: host {peer} {text}")
            peer = person.backup
        relay = f"{peer}:25"
        if failure is None:
            dsn, text = SENT[person.style]
            text = text.format(token=self.token(), clock=1_795_300_000 + now // SECOND)
            tag, status = "delivery|sent|outbound|250", "sent"
            if random() < 0.04:
                relay += ", conn_use=2"
        else:
            text = failure.text.format(
                peer=peer,
                to=person.address,
                domain=person.domain,
                sender=origin,
                token=self.token(),
            )
            dsn, status = failure.dsn, failure.status
            tag = f"delivery|{status}|outbound|{failure.code}"
            if not failure.code:
                tag = f"delivery|{status}|local"
            if not failure.relay:
                relay = "none"
                if failure.dsn == "4.4.1":
                    self.put(now - 500, "connect-failed", f"{head}{text}")
        self.put(
            now,
            tag,
            f"{head}{queue_id}: to=<{person.address}>, relay={relay}, {took}, "
            f"dsn={dsn}, status={status} ({text})",
        )
        return now

    def local(
        self, now: int, queue_id: str, person: Person, failure: Outcome | None, took: str
    ) -> int:
        """A delivery to a mailbox of ours: over LMTP, by local or by virtual."""
        kind, head = self.agents[int(self.random() * 5)]
        to = f"to=<{person.address}>, "
        if self.random() < 0.03:
            to += f"orig_to=<team@{person.domain}>, "
        relay, direction, dsn, status = kind, "local", "2.0.0", "sent"
        if failure is not None:
            if failure.code:
                kind, head = self.agents[0]
                relay = f"{person.domain}[private/dovecot-lmtp]"
                direction = f"outbound|{failure.code}"
            else:
                kind, head = self.agents[3]
                relay = kind
            text = failure.text.format(peer=relay, to=person.address)
            dsn, status = failure.dsn, failure.status
        elif kind == "lmtp":
            relay = f"{person.domain}[private/dovecot-lmtp]"
            text = f"250 2.0.0 <{person.address}> {self.token()} Saved"
            direction = "outbound|250"
        else:
            text = "delivered to mailbox" if kind == "local" else "delivered to maildir"
        self.put(
            now,
            f"delivery|{status}|{direction}",
            f"{head}{queue_id}: {to}relay={relay}, {took}, dsn={dsn}, status={status} ({text})",
        )
        return now

    def notify(self, now: int, queue_id: str, sender: Person | None) -> int:
        """The sender is told; a notification that cannot be delivered is told to nobody."""
        if sender is None or now >= self.end:
            return now
        notice = self.queue_id(now)
        cleanup = self.cleanups[int(self.random() * 12)]
        self.put(
            now + 1000,
            "message-id",
            f"{cleanup}{notice}: message-id=<20261122.{notice}@{self.name}.lab.test>",
        )
        self.put(
            now + 2000,
            "notification",
            f"{self.bounce}{queue_id}: sender non-delivery notification: {notice}",
        )
        size = 2000 + int(self.random() * POOL)
        self.queued(now + 3000, notice, None, [sender], size)
        return now + 2500
