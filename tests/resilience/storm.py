"""Retry storms, simulated: a thousand clients, one server, two minutes, in a second or two.

A discrete-event model. Clients make calls at random (Poisson), 1000 a second together. The server
answers 1300 a second, in order; 3000 requests may wait, and to turn one away costs it a tenth of
an answer. A client gives up on an attempt after a second; the server, which does not know, works
on. What happens after a failure is decided by the objects that ship: `decide` with `Backoff`, the
bucket of a `RetryBudget`, the circuit of a `CircuitBreaker`. Only waiting and sending are modelled.

    python tests/resilience/storm.py        print the tables of docs/reliability.md
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections import Counter, deque
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
from tenacity import stop_after_attempt

from penstock.middleware import CircuitBreaker, RetryBudget
from penstock_middleware.circuit_breaker.circuit import Circuit
from penstock_middleware.retry.backoff import Backoff, retry_after_spread
from penstock_middleware.retry.decide import Policy, decide
from penstock_middleware.retry.state import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock_middleware.circuit_breaker.circuit import Phase

    Reply = Callable[[bool], None]

CAPACITY = 1300.0
"""Answers a second."""
QUEUE = 3000
TURNED_AWAY = 0.1
"""What it costs to turn a request away, in answers."""
PATIENCE = 1.0
"""Seconds a client waits for an answer."""
SERVER = httpx.URL("https://api.example.com/")
REFUSAL = 0.005
"""Seconds until a request that fails at once has failed."""


class Scenario(NamedTuple):
    """What befalls the server.

    Attributes:
        name: Shown in the table.
        outage: From when until when every request fails at once.
        dip: From when until when it answers *dipped* a second.
        dipped: As above.
        failing: The share of requests that fails at once, at any time.
        clients: How many there are.
        rate: Calls a second of each.
        seconds: How long it goes on.
    """

    name: str
    outage: tuple[float, float] = (math.inf, math.inf)
    dip: tuple[float, float] = (math.inf, math.inf)
    dipped: float = 200.0
    failing: float = 0.0
    clients: int = 1000
    rate: float = 1.0
    seconds: float = 120.0

    @property
    def trouble(self) -> tuple[float, float]:
        """From when until when something is wrong."""
        return min(self.outage, self.dip)


class Protection(NamedTuple):
    """What a client has against it.

    Attributes:
        name: Shown in the table.
        attempts: How many a call may have.
        budget: Its budget, or None.
        breaker: Its breaker, or None.
    """

    name: str
    attempts: int = 3
    budget: RetryBudget | None = None
    breaker: CircuitBreaker | None = None


OUTAGE = Scenario("outage", outage=(30.0, 60.0))
DIP = Scenario("dip", dip=(30.0, 40.0))

ONCE = Protection("one attempt", attempts=1)
THRICE = Protection("three attempts")
BUDGET = Protection("three attempts, `RetryBudget()`", budget=RetryBudget())
QUICK = CircuitBreaker(min_calls=5, window=10.0, max_open=5.0)
BREAKER = Protection("three attempts, a quick breaker", breaker=QUICK)
PRODUCTION = Protection("`Stack.production()`", budget=RetryBudget(), breaker=CircuitBreaker())
BOTH_QUICK = Protection("the same with the quick breaker", budget=RetryBudget(), breaker=QUICK)


class Report:
    """Calls, attempts and calls that succeeded, by the second they began in."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self.calls: Counter[int] = Counter()
        self.attempts: Counter[int] = Counter()
        self.successes: Counter[int] = Counter()

    def _share(self, of: Counter[int], start: float, end: float) -> float:
        seconds = range(int(start), int(end))
        return sum(of[at] for at in seconds) / sum(self.calls[at] for at in seconds)

    @property
    def amplification(self) -> float:
        """Attempts the server saw for each call, while something was wrong."""
        return self._share(self.attempts, *self._scenario.trouble)

    @property
    def recovery(self) -> int | None:
        """Seconds from the end of it until 99 % of calls succeed for ten seconds, if ever."""
        end = int(self._scenario.trouble[1])
        last = int(self._scenario.seconds) - 10
        times = (at for at in range(end, last) if self._share(self.successes, at, at + 10) >= 0.99)
        return next((at - end for at in times), None)

    @property
    def success(self) -> float:
        """The share of all calls that succeeded, but for those too young to tell."""
        return self._share(self.successes, 0, self._scenario.seconds - 10)


class Storm:
    """One run.

    Args:
        scenario: What befalls the server.
        protection: What the clients have against it.
        seed: Makes it repeatable.
    """

    def __init__(self, scenario: Scenario, protection: Protection, seed: int = 1) -> None:
        self.now = 0.0
        self.scenario = scenario
        self.protection = protection
        self.random = random.Random(seed)
        self.report = Report(scenario)
        self.server = Server(self)
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._numbers = itertools.count()

    def after(self, seconds: float, then: Callable[..., None], *args: Any) -> None:
        """Have something happen *seconds* from now."""
        heapq.heappush(self._events, (self.now + seconds, next(self._numbers), then, args))

    def run(self) -> Report:
        """Let it happen, and return what it came to."""
        for _ in range(self.scenario.clients):
            client = Client(self)
            self.after(self.random.expovariate(self.scenario.rate), client.call)
        while self._events and self.now <= self.scenario.seconds:
            self.now, _, then, args = heapq.heappop(self._events)
            then(*args)
        return self.report


class Server:
    """Answers in order, one after the other."""

    def __init__(self, storm: Storm) -> None:
        self._storm = storm
        self._waiting: deque[tuple[float, Reply | None]] = deque()
        self._is_busy = False

    def request(self, reply: Reply) -> None:
        """Take a request; `reply(succeeded)` is called when it has been dealt with."""
        storm, scenario = self._storm, self._storm.scenario
        start, end = scenario.outage
        if start <= storm.now < end or storm.random.random() < scenario.failing:
            storm.after(REFUSAL, reply, False)
            return
        if len(self._waiting) < QUEUE:
            self._waiting.append((1.0, reply))
        else:
            self._waiting.appendleft((TURNED_AWAY, None))
            storm.after(REFUSAL, reply, False)
        self._work()

    def _work(self) -> None:
        if self._waiting and not self._is_busy:
            self._is_busy = True
            units, reply = self._waiting.popleft()
            self._storm.after(self._takes(units), self._done, reply)

    def _done(self, reply: Reply | None) -> None:
        self._is_busy = False
        if reply is not None:
            reply(True)
        self._work()

    def _takes(self, units: float) -> float:
        start, end = self._storm.scenario.dip
        is_dipped = start <= self._storm.now < end
        return units / (self._storm.scenario.dipped if is_dipped else CAPACITY)


class Client:
    """One client, with a bucket and a circuit of its own."""

    def __init__(self, storm: Storm) -> None:
        protection = storm.protection
        self.storm = storm
        self.buckets = protection.budget and protection.budget._full()
        self.circuit = protection.breaker and Circuit(
            protection.breaker._rules, storm.random.random
        )
        self.policy = Policy(
            retry=lambda _: True,
            unless=None,
            stop=stop_after_attempt(protection.attempts),
            wait=Backoff(),
            retry_after_cap=30.0,
            over_cap="clamp",
            spread=retry_after_spread,
        )

    def call(self) -> None:
        """Begin a call, and let the next one begin later."""
        storm = self.storm
        storm.report.calls[int(storm.now)] += 1
        Call(self).attempt()
        storm.after(storm.random.expovariate(storm.scenario.rate), self.call)


class Call:
    """One call, the state of its attempts that a decision is made by, and what it has paid for."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._storm = client.storm
        self._began = int(client.storm.now)
        self._bag: dict[Any, Any] = {}
        self.attempt_count = self.attempt_number = 0
        self.random = client.storm.random.random
        self.upcoming_sleep = 0.0
        self.next_action: object = None
        self.outcome: Outcome | None = None

    def attempt(self) -> None:
        """Send once more, unless the circuit says no: then the call is over at once."""
        storm, circuit = self._storm, self._client.circuit
        self.attempt_count = self.attempt_number = self.attempt_number + 1
        ticket = circuit and (circuit.closed or circuit.admit(storm.now))
        if circuit and ticket is None:
            self._end(succeeded=False)
            return
        storm.report.attempts[int(storm.now)] += 1
        attempt = Attempt(self, ticket)
        storm.after(PATIENCE, attempt.ended, False)
        storm.server.request(attempt.ended)

    def attempted(self, ticket: Phase | None, succeeded: bool) -> None:
        """Go on after an attempt, as the decision is."""
        circuit = self._client.circuit
        if circuit and ticket:
            circuit.settle(ticket, self._storm.now, failed=not succeeded)
        if succeeded:
            self._end(succeeded=True)
            return
        self.outcome = Outcome(self.attempt_number, TimeoutError())
        this: Any = self
        decision = decide(self._client.policy, this, can_resend=True, hint=None, remaining=None)
        buckets = self._client.buckets
        if decision.wait is None or (buckets and not buckets.withdraw(this, SERVER)):
            self._end(succeeded=False)
        else:
            self._storm.after(decision.wait, self.attempt)

    def get(self, key: object, default: int) -> int:
        """As a real call's, for its bucket."""
        return self._bag.get(key, default)

    def set(self, key: object, value: int) -> None:
        """As a real call's, for its bucket."""
        self._bag[key] = value

    def _end(self, *, succeeded: bool) -> None:
        self._storm.report.successes[self._began] += succeeded
        this: Any = self
        if self._client.buckets and not self._client.buckets.are_full:
            self._client.buckets.settle(this, SERVER, succeeded=succeeded)


class Attempt:
    """One attempt, over when its answer comes or the client's patience ends."""

    def __init__(self, call: Call, ticket: Phase | None) -> None:
        self._call: Call | None = call
        self._ticket = ticket

    def ended(self, succeeded: bool) -> None:
        """Tell the call, the first time."""
        call, self._call = self._call, None
        if call is not None:
            call.attempted(self._ticket, succeeded)


def main() -> None:
    """Print the tables."""
    print("| clients | calls/s of each | against it | outage: load | back | dip: load | back |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for clients, rate, protections in (
        (1000, 1.0, (ONCE, THRICE, BUDGET, BREAKER, PRODUCTION, BOTH_QUICK)),
        (100, 10.0, (THRICE, BUDGET, PRODUCTION)),
        (10, 100.0, (THRICE, BUDGET, PRODUCTION)),
        (5000, 0.2, (THRICE, BUDGET, PRODUCTION)),
    ):
        for protection in protections:
            cells = [f"{clients}", f"{rate:g}", protection.name]
            for scenario in (OUTAGE, DIP):
                split = scenario._replace(clients=clients, rate=rate)
                report = Storm(split, protection).run()
                back = report.recovery
                cells += [f"{report.amplification:.2f}", "never" if back is None else f"{back} s"]
            print(f"| {' | '.join(cells)} |")
    print("\n| 200 clients that call once a second: share that fails | 1 % | 5 % | 15 % | 30 % |")
    print("| --- | --- | --- | --- | --- |")
    for protection in (ONCE, THRICE, BUDGET, PRODUCTION):
        cells = [protection.name]
        for failing in (0.01, 0.05, 0.15, 0.30):
            blips = Scenario("blips", failing=failing, clients=200)
            cells.append(f"{100 * Storm(blips, protection).run().success:.3f} %")
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
