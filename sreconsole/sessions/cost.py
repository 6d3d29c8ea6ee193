"""What a followed session costs at list price, how fast, and against which budget."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from .prices import PriceList
from .session import MINUTE, Session, Thread
from .tokens import Tokens

BURN_WINDOW = 10 * MINUTE


@dataclass(frozen=True, slots=True)
class Cost:
    """Dollars at list price by model; a model without a price is in `unpriced`, and `usd` leaves it out: it is then a
    lower bound, and says so by `exact`."""

    by_model: Mapping[str, Decimal]
    unpriced: tuple[str, ...]

    @property
    def usd(self) -> Decimal:
        return sum(self.by_model.values(), Decimal(0))

    @property
    def exact(self) -> bool:
        return not self.unpriced


def cost(session: Session, prices: PriceList, agent: str | None = None) -> Cost:
    """The session's cost, subagents included; or that of its main thread (`agent` "") or of one subagent alone."""
    sums: dict[str, Decimal] = {}
    unpriced: set[str] = set()
    for about, fast, tokens in session.book.calls():
        if agent is not None and about.agent != agent:
            continue
        rates = prices.rates(about.model, about.day, fast)
        if rates is None:
            unpriced.add(about.model)
        else:
            usd = rates.usd(tokens, rates.step(tokens.context))
            sums[about.model] = sums.get(about.model, Decimal(0)) + usd
    return Cost(sums, tuple(sorted(unpriced)))


def burn(session: Session, prices: PriceList, now: int, window: int = BURN_WINDOW) -> Decimal:
    """Dollars per hour over the last `window` milliseconds before `now`. Models without a price add nothing."""
    usd = Decimal(0)
    for one in session.spent:
        if now - window < one.at <= now:
            rates = prices.rates(one.model, one.day, one.fast)
            if rates is not None:
                usd += rates.usd(one.tokens, rates.step(one.context))
    return usd * 60 * MINUTE / window


def thread_tokens(session: Session) -> dict[str, Tokens]:
    """What the main thread ("") and each subagent used."""
    return {thread.id: thread.tokens for thread in session.threads.values()}


def children(session: Session) -> dict[str, list[Thread]]:
    """Subagents by the call that spawned them ("" where the log does not say)."""
    tree: dict[str, list[Thread]] = {}
    for thread in session.threads.values():
        if thread.id:
            tree.setdefault(thread.spawned_by, []).append(thread)
    return tree


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of a session; None = none."""

    tokens: int | None = None
    usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Used:
    """One budget and how far it is used: 1.0 is all of it."""

    what: str
    used: Decimal
    limit: Decimal

    @property
    def share(self) -> float:
        return float(self.used / self.limit) if self.limit else 1.0


def budgets_used(session: Session, budget: Budget, prices: PriceList) -> list[Used]:
    """Each budget that is set. Money is at list price, and a lower bound where a model is unpriced."""
    found = []
    if budget.tokens is not None:
        found.append(Used("tokens", Decimal(session.tokens.all), Decimal(budget.tokens)))
    if budget.usd is not None:
        found.append(Used("usd", cost(session, prices).usd, budget.usd))
    return found
