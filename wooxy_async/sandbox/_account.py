"""The account that a sandbox plays: what is registered in it, and what is wrong with it."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct, structs

from wooxy_async._rules import arguments as checks


class Domain(Struct, frozen=True, kw_only=True):
    """A domain that is verified in the account.

    Args:
        name: as messages spell it; compared without regard to case.
        id: what error 14 calls it.
        default_list: whether it has a default list; without one, error 14 answers every message.
    """

    name: str
    id: str = "1"
    default_list: bool = True

    def __post_init__(self) -> None:
        checks.filled("name", self.name)
        checks.filled("id", self.id)
        checks.flag("default_list", self.default_list)


class Sender(Struct, frozen=True, kw_only=True):
    """A sender name that is registered in the account.

    Args:
        name: as `senderId` spells it.
        approved: whether it may be used; if not, error 16 answers.
        countries: two-letter codes in capitals ("DE") of the countries that it may send to; `None` is all
            of them, and others get error 17.
    """

    name: str
    approved: bool = True
    countries: Sequence[str] | None = None

    def __post_init__(self) -> None:
        checks.filled("name", self.name)
        checks.flag("approved", self.approved)
        _make_tuple(self, "countries", str)
        for country in self.countries or ():
            if len(country) != 2 or not country.isupper():  # noqa: PLR2004
                raise ValueError(f"countries must hold two-letter codes such as 'DE', not {country!r}")


class Account(Struct, frozen=True, kw_only=True):
    """What Wooxy would know of the account; by default everything that is well formed is accepted.

    Args:
        token: the only token that is accepted (others get error 23); `None` accepts every token that is not
            empty, and counts the cap for each by itself.
        domains: the verified domains, by name or as `Domain`; `None` accepts any, others get error 12.
        senders: the registered senders, by name or as `Sender`; `None` accepts any, others get error 15.
        refused_senders: sender names that are registered and not approved (error 16), whatever `senders` says.
        default_sender: the sender of messages that name none; `None` is Wooxy's own, which always works. One
            that is not among `senders` gives error 18.
        tags: the registered tags; `None` accepts any, others get error 19.
        enabled: whether the user is; if not, error 24 answers.
        has_data: whether Wooxy finds the user's data; if not, error 25 answers.
        secret_matches: whether the token passes the check of its secret; if not, error 26 answers.
        broken: whether the server fails at every message before it is taken, which error 21 answers.
        user_id: what errors 24 and 25 call the user.
        key: what error 26 calls the key.
        name: what "Get account info" calls the account.
        balance: its balance there, in the account's currency.
    """

    token: str | None = None
    domains: Sequence[str | Domain] | None = None
    senders: Sequence[str | Sender] | None = None
    refused_senders: Sequence[str] = ()
    default_sender: str | None = None
    tags: Sequence[str] | None = None
    enabled: bool = True
    has_data: bool = True
    secret_matches: bool = True
    broken: bool = False
    user_id: str = "1001"
    key: str = "sandbox-key"
    name: str = "Sandbox"
    balance: float = 100.0

    def __post_init__(self) -> None:
        if self.token is not None:
            checks.token("token", self.token)
        if self.default_sender is not None:
            checks.filled("default_sender", self.default_sender)
        _make_tuple(self, "domains", str, Domain)
        _make_tuple(self, "senders", str, Sender)
        _make_tuple(self, "tags", str)
        _make_tuple(self, "refused_senders", str)
        for name in ("enabled", "has_data", "secret_matches", "broken"):
            checks.flag(name, getattr(self, name))
        checks.number("balance", self.balance)
        for name in ("user_id", "key", "name"):
            checks.filled(name, getattr(self, name))

    def __repr__(self) -> str:
        shown = {name: value for name, value in structs.asdict(self).items() if name != "token"}
        return f"Account({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    def __rich_repr__(self) -> Any:
        """Yield what `repr` shows: all but the token."""
        return ((name, value) for name, value in structs.asdict(self).items() if name != "token")


def with_token(account: Account, token: str | None) -> Account:
    """Return the account with a sandbox's own `token`, if that was given.

    Raises:
        ValueError: both were given, and they differ.
    """
    if token is None:
        return account
    if account.token not in {None, token}:
        raise ValueError("token must be given once: to the Sandbox or to its Account")
    return structs.replace(account, token=checks.token("token", token))


class Directory:
    """An account's lists, made for looking up."""

    def __init__(self, account: Account) -> None:
        self.domains = _named(account.domains, Domain, fold=True)
        self.senders = _named(account.senders, Sender)
        self._refused = frozenset(account.refused_senders)
        self.tags = None if account.tags is None else frozenset(account.tags)

    def domain(self, name: str) -> Domain | None:
        """Return the domain of that name; `None` means that the account has none."""
        return Domain(name=name) if self.domains is None else self.domains.get(name.casefold())

    def sender(self, name: str) -> Sender | None:
        """Return the sender of that name; `None` means that the account has none."""
        if name in self._refused:
            return Sender(name=name, approved=False)
        return Sender(name=name) if self.senders is None else self.senders.get(name)


def _named(entries: Sequence[Any] | None, kind: type[Any], *, fold: bool = False) -> dict[str, Any] | None:
    if entries is None:
        return None
    whole = [kind(name=entry) if isinstance(entry, str) else entry for entry in entries]
    return {entry.name.casefold() if fold else entry.name: entry for entry in whole}


def _make_tuple(struct: Struct, name: str, *kinds: type) -> None:
    entries = getattr(struct, name)
    if entries is None:
        return
    if not isinstance(entries, Sequence) or isinstance(entries, str | bytes):
        raise TypeError(f"{name} must be a tuple or a list, or None for any, not {entries!r}")
    for entry in entries:
        if not isinstance(entry, kinds) or not entry:
            allowed = " or ".join(kind.__name__ for kind in kinds)
            raise TypeError(f"{name} must hold {allowed}, none empty, not {entry!r}")
    structs.force_setattr(struct, name, tuple(entries))
