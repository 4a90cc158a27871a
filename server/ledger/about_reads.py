"""What is read of entities, states and links: statements that are compiled once.

A memory counts while its current version is neither deleted nor erased. An entity stands for all that were
merged into it: everything is read by `root`.
"""

from functools import cache

from sqlalchemy import (
    BindParameter,
    FromClause,
    Integer,
    Text,
    and_,
    bindparam,
    func,
    or_,
    select,
    type_coerce,
)

from ..model import LinkType
from .about_tables import aliases, contexts, entities, links, mentions, merges, states
from .prepared import Prepared, prepare
from .tables import Micros, memories, passages, vectors
from .where import one_of

__all__ = [
    "about_memory",
    "candidates",
    "complete_names",
    "count",
    "links_of",
    "memories_of",
    "mentions_of",
    "merged",
    "named_like",
    "names_of",
    "of_one_statement",
    "recent",
    "roots",
    "said",
    "several_said",
    "states_of",
    "unread",
    "updates_among",
    "vectors_of",
]

_e, _a, _n, _s = entities.c, aliases.c, mentions.c, states.c
_m = memories.c


def _list(name: str) -> BindParameter[str]:
    return bindparam(name, type_=Text())


def _int(name: str) -> BindParameter[int]:
    return bindparam(name, type_=Integer())


def _tenant() -> BindParameter[int]:
    return bindparam("tenant", type_=Integer())


_UPDATES = (LinkType.CONTRADICTS, LinkType.REFINES, LinkType.SUPERSEDES)
_live = and_(_m.replaced_at.is_(None), _m.deleted_at.is_(None))
_root = entities.alias("root")
_r = _root.c


def _with_root(of: FromClause) -> FromClause:
    """Rows that name an entity, with that entity and its root."""
    mine = and_(_e.tenant == of.c.tenant, _e.id == of.c.entity)
    return of.join(entities, mine).join(_root, and_(_r.tenant == _e.tenant, _r.id == _e.root))


@cache
def candidates() -> Prepared:
    """Names that may stand for what is named: folded, bare, first, last, skeleton; root, its name, its type;
    whether the name is the root's own. Each list is a JSON list of forms."""
    forms = (
        one_of(_a.folded, _list("folded")),
        one_of(_a.bare, _list("bare")),
        one_of(_a.first, _list("single")),
        one_of(_a.last, _list("single")),
        one_of(_a.skeleton, _list("skeletons")),
    )
    own = _a.entity == _r.id
    columns = (_a.folded, _a.bare, _a.first, _a.last, _a.skeleton, _r.id, _r.name, _r.type, own)
    statement = select(*columns).select_from(_with_root(aliases))
    return prepare(statement.where(_a.tenant == _tenant(), or_(*forms)).limit(500))


@cache
def recent() -> Prepared:
    """Whom and what the last memories of a `session` name: the memory's seq, root, name, type; newest first."""
    last = (
        select(_m.id, _m.seq)
        .where(_m.tenant == _tenant(), _m.session == bindparam("session"), _live)
        .order_by(_m.seq.desc())
        .limit(_int("limit"))
    ).subquery()
    here = and_(_n.tenant == _tenant(), _n.memory == last.c.id)
    joined = last.join(mentions, here)
    mine = and_(_e.tenant == _n.tenant, _e.id == _n.entity)
    joined = joined.join(entities, mine).join(_root, and_(_r.tenant == _e.tenant, _r.id == _e.root))
    statement = select(last.c.seq, last.c.id, _r.id, _r.name, _r.type).select_from(joined)
    return prepare(statement.order_by(last.c.seq.desc(), _n.ord))


@cache
def said() -> Prepared:
    """What current memories that hold at `now` say of the `roots` by the `attributes`: root, attribute, value,
    single, negated, memory, its time, its seq."""
    where = (
        _s.tenant == _tenant(),
        one_of(_e.root, _list("roots")),
        one_of(_s.attribute, _list("attributes")),
        _m.superseded_by.is_(None),
        or_(_m.valid_until.is_(None), _m.valid_until > bindparam("now", type_=Micros())),
    )
    mine = and_(_e.tenant == _s.tenant, _e.id == _s.entity)
    joined = entities.join(states, mine).join(
        memories, and_(_m.tenant == _s.tenant, _m.id == _s.memory, _live)
    )
    columns = (
        _e.root, _s.attribute, _s.value, _s.single, _s.negated, _m.id, _m.valid_from, _m.seq,
    )  # fmt: skip
    return prepare(select(*columns).select_from(joined).where(*where).order_by(_m.seq))


@cache
def several_said() -> Prepared:
    """Of which root and attribute several current memories say something."""
    mine = and_(_e.tenant == _s.tenant, _e.id == _s.entity)
    joined = states.join(entities, mine).join(
        memories, and_(_m.tenant == _s.tenant, _m.id == _s.memory, _live)
    )
    statement = select(_e.root, _s.attribute).select_from(joined).where(_s.tenant == _tenant())
    statement = statement.where(_m.superseded_by.is_(None)).group_by(_e.root, _s.attribute)
    return prepare(statement.having(func.count(func.distinct(_s.memory)) > 1))


@cache
def states_of() -> Prepared:
    """All that is said of the `roots`: root, attribute, value, single, negated, memory, since when it holds and
    until when; oldest first."""
    mine = and_(_e.tenant == _s.tenant, _e.id == _s.entity)
    joined = entities.join(states, mine).join(
        memories, and_(_m.tenant == _s.tenant, _m.id == _s.memory, _live)
    )
    columns = (
        _e.root, _s.attribute, _s.value, _s.single, _s.negated, _m.id, _m.valid_from, _m.valid_until,
    )  # fmt: skip
    where = (_e.tenant == _tenant(), one_of(_e.root, _list("roots")))
    order = (_m.valid_from, _m.seq, _s.ord)
    return prepare(select(*columns).select_from(joined).where(*where).order_by(*order))


@cache
def vectors_of() -> Prepared:
    """Packed vectors of one passage of each of the newest memories that name the `root`, up to `limit`."""
    mine = and_(_e.tenant == _n.tenant, _e.id == _n.entity)
    named = entities.join(mentions, mine).join(
        memories, and_(_m.tenant == _n.tenant, _m.id == _n.memory, _live)
    )
    # First these few: joined at once, the vectors of all that name it would be read and sorted.
    newest = (
        select(_m.seq)
        .select_from(named)
        .where(_e.tenant == _tenant(), _e.root == bindparam("root"))
        .distinct()
        .order_by(_m.seq.desc())
        .limit(_int("limit"))
        .subquery()
    )
    c, v = passages.c, vectors.c
    joined = newest.join(passages, and_(c.tenant == _tenant(), c.seq == newest.c.seq)).join(
        vectors, and_(v.tenant == c.tenant, v.model == c.model, v.key == c.key)
    )
    where = (c.model == _int("model"), c.ord == 0)
    statement = select(newest.c.seq, v.vector).select_from(joined).where(*where)
    return prepare(statement.order_by(newest.c.seq.desc()))


@cache
def mentions_of() -> Prepared:
    """What a `memory` names: root, its name, its type, start, stop, how, evidence; by place."""
    columns = (_r.id, _r.name, _r.type, _n.start, _n.stop, _n.how, _n.evidence)
    where = (_n.tenant == _tenant(), _n.memory == bindparam("memory"))
    statement = select(*columns).select_from(_with_root(mentions)).where(*where)
    return prepare(statement.order_by(_n.ord))


@cache
def about_memory() -> Prepared:
    """A `memory`'s keywords and its context."""
    c = contexts.c
    where = (c.tenant == _tenant(), c.memory == bindparam("memory"))
    return prepare(select(c.keywords, c.context).where(*where))


@cache
def links_of() -> Prepared:
    """A `memory`'s links to and from memories that are there: type, source, target, why; newest first."""
    c = links.c
    this = bindparam("memory", type_=Text())
    # Two halves, each with an index of its own.
    other = or_(
        and_(c.source == this, c.target == _m.id),
        and_(c.target == this, c.source == _m.id),
    )
    statement = select(c.type, c.source, c.target, c.why).select_from(
        links.join(memories, and_(_m.tenant == c.tenant, other, _live))
    )
    where = (c.tenant == _tenant(), or_(c.source == this, c.target == this))
    return prepare(statement.where(*where).order_by(c.at.desc(), c.source, c.target).limit(100))


@cache
def updates_among() -> Prepared:
    """Of the memories with these `ids`, which says something else than which, or more: source, target."""
    c = links.c
    where = (
        c.tenant == _tenant(),
        one_of(c.source, _list("ids")),
        one_of(c.target, _list("ids")),
        or_(*(c.type == one for one in _UPDATES)),
    )
    return prepare(select(c.source, c.target).where(*where))


@cache
def roots() -> Prepared:
    """Those of the `ids` that there are: id, root."""
    where = (_e.tenant == _tenant(), one_of(_e.id, _list("ids")))
    return prepare(select(_e.id, _e.root).where(*where))


@cache
def names_of() -> Prepared:
    """The names of the `roots`: root, its name, its type, alias; in the order of the alphabet."""
    where = (_e.tenant == _tenant(), one_of(_e.root, _list("roots")))
    mine = and_(_a.tenant == _e.tenant, _a.entity == _e.id)
    joined = entities.join(_root, and_(_r.tenant == _e.tenant, _r.id == _e.root)).outerjoin(
        aliases, mine
    )
    statement = select(_r.id, _r.name, _r.type, _a.name).select_from(joined).where(*where)
    return prepare(statement.order_by(_r.id, _a.name))


@cache
def memories_of() -> Prepared:
    """Live memories that name one of the `roots`: root, memory, seq, content, the packed
    content; newest first."""
    mine = and_(_n.tenant == _e.tenant, _n.entity == _e.id)
    joined = entities.join(mentions, mine).join(
        memories, and_(_m.tenant == _n.tenant, _m.id == _n.memory, _live)
    )
    where = (_e.tenant == _tenant(), one_of(_e.root, _list("roots")))
    statement = (
        select(_e.root, _m.id, _m.seq, _m.content, _m.packed).select_from(joined).where(*where)
    )
    return prepare(statement.distinct().order_by(_m.seq.desc()))


def _named() -> FromClause:
    """Roots with their names and the live memories that name them."""
    mine = and_(_a.tenant == _e.tenant, _a.entity == _e.id)
    said_in = and_(_n.tenant == _e.tenant, _n.entity == _e.id)
    joined = entities.join(_root, and_(_r.tenant == _e.tenant, _r.id == _e.root))
    joined = joined.outerjoin(aliases, mine).join(mentions, said_in)
    return joined.join(memories, and_(_m.tenant == _n.tenant, _m.id == _n.memory, _live))


@cache
def named_like(typed: bool, narrow: bool) -> Prepared:
    """Roots that some live memory names, most named first, up to `limit`: root, memories. `narrow`: those with a
    name that contains `text`, folded; `typed`: of one `type`."""
    number = func.count(func.distinct(_m.id))
    where = [_e.tenant == _tenant()]
    if typed:
        where.append(_r.type == bindparam("type"))
    if narrow:
        where.append(func.instr(_a.folded, bindparam("text", type_=Text())) > 0)
    statement = select(_r.id, number).select_from(_named()).where(*where).group_by(_r.id)
    return prepare(statement.order_by(number.desc(), _r.id).limit(_int("limit")))


@cache
def complete_names() -> Prepared:
    """Names, as they are written, that begin with `prefix`, folded; most used first, up to `limit`."""
    prefix = bindparam("prefix", type_=Text())
    begins = func.substr(_a.folded, 1, func.length(prefix)) == prefix
    number = func.count(func.distinct(_m.id))
    statement = select(_a.name).select_from(_named()).where(_e.tenant == _tenant(), begins)
    return prepare(
        statement.group_by(_a.folded).order_by(number.desc(), _a.folded).limit(_int("limit"))
    )


@cache
def count() -> Prepared:
    """How many entities some live memory names."""
    return prepare(
        select(func.count(func.distinct(_e.root)))
        .select_from(_named())
        .where(_e.tenant == _tenant())
    )


@cache
def merged() -> Prepared:
    """What was merged into the `root` and still is: child, into, when, evidence."""
    c = merges.c
    mine = and_(c.tenant == _e.tenant, c.child == _e.id)
    where = (_e.tenant == _tenant(), _e.root == bindparam("root"), c.undone_at.is_(None))
    statement = select(c.child, c.into, type_coerce(c.at, Micros()), c.evidence)
    return prepare(statement.select_from(entities.join(merges, mine)).where(*where).order_by(c.at))


@cache
def unread() -> Prepared:
    """Live memories that nobody looked through yet, oldest first, up to `limit`: their seqs."""
    c = contexts.c
    done = select(c.memory).where(c.tenant == _m.tenant, c.memory == _m.id).exists()
    where = (_m.tenant == _tenant(), _live, ~done)
    return prepare(select(_m.seq).where(*where).order_by(_m.seq).limit(_int("limit")))


@cache
def of_one_statement() -> Prepared:
    """Those of the `ids` that say one thing of one entity, and no more."""
    where = (_s.tenant == _tenant(), one_of(_s.memory, _list("ids")))
    statement = select(_s.memory).where(*where).group_by(_s.memory)
    return prepare(statement.having(func.count() == 1))
