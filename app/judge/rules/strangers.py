"""Companies that the context does not know, in the places of a sentence where only a company stands.

"The Tollgate team", "good luck with the Finchley launch", "one of our clients, Merrow, had": a name there belongs to
another thread. Names of products, places, roles and months are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.judge.rules.facts import Facts
from app.judge.rules.phrasing import word_set
from app.judge.rules.reading import Hit, Reading

_NAME = r"(?P<{}>[A-Z][a-z][\w&-]{{1,30}}(?: (?:& )?[A-Z][\w&-]{{1,30}}){{0,2}})"
_OF_THEIRS = (
    r"(?:[Tt]eam|crew|people|folks|board|launch|roadmap|leadership|account|proposal|deal|engineers|developers|"
    r"project|rewrite|"
    r"migration|backlog|rollout|release|acquisition|thread)"
)
_DOING = (
    r"(?:is|are|was|has been) (?:now |currently |also |already |quietly |really |still )?(?:hiring|looking|growing|"
    r"scaling|"
    r"paying|raising|short|planning|about to|losing|cutting|building|expanding|moving|leaving|struggling|behind|"
    r"bleeding)|"
    r"(?:pays?|paid|lists?|raised|hired|lost|plans|wants|needs|asked|wrote|told|chose|rejected|signed|closed)"
)
_PARTY = r"(?:clients?|customers?|competitors?|rivals?|prospects?|accounts?|neighbours?)"
_FRAMES = re.compile(
    rf"\b(?:[Tt]he|[Yy]our|[Tt]hat|[Tt]his) {_NAME.format('team')}(?:'s)? (?:\w+ )?{_OF_THEIRS}\b"
    rf"|\b(?:[Ww]hat an? [\w ]{{1,20}} for|[Gg]ood luck (?:with|to|at)(?: the| your)?|[Cc]ongrat\w* to|[Hh]ope "
    rf"(?:all|everything|"
    rf"things)[\w ]{{1,20}} at|rooting for|excited (?:for|about)|happy for|[Bb]est to(?: all at)?|everyone at|"
    rf"somebody at|someone "
    rf"at|wrote to|spoke (?:to|with)|talked (?:to|with)|talks with|meeting with|thread with|mail to|call with) "
    rf"{_NAME.format('wish')}"
    rf"|\b{_PARTY}(?: of (?:ours|yours|mine))?,? {_NAME.format('party')}\b"
    rf"|(?:^|[.!?] |\n)At {_NAME.format('at')},? (?:you|your|the|they)\b"
    rf"|(?:^|[.!?:,] |\n|\b(?:that|what|how|because|and|as|from|us,) ){_NAME.format('doing')} (?:{_DOING})\b"
)
# Capitalised words of mail that name no company.
_NO_COMPANY = word_set(
    "a about after all also an and another any april are as at august back backend because before best both but by "
    "can cloud "
    "congratulations core could customer customers data december dear delivery design developers devops did digital "
    "do does each "
    "engineering engineers english europe european even every everyone everything february few finally finance first "
    "five for "
    "four friday from frontend full german germany good great growth had has have head her here his hiring how "
    "however i if in "
    "infrastructure is it its january july june just last leadership legal let like lisbon london look lookingfor "
    "many march may "
    "maybe mobile monday more most my neither new next nine no nobody none not nothing november now october of on "
    "once one only "
    "operations or other our out over payments people perhaps platform product production public qa quality ready "
    "recently remote "
    "sales saturday security see senior september seven several she should since site six so some somebody someone "
    "something soon "
    "spring still such summer sunday support team teams ten thanks that the their them then there these they thing "
    "this those "
    "three thursday to today together tomorrow tuesday two until us vp we wednesday well what when where whether "
    "which while who "
    "whoever why will winter with would year yes yesterday you your autumn cto ceo cfo coo api ai ml sre web ios "
    "android crm erp "
    "sap aws gcp azure google microsoft kafka kubernetes postgres postgresql mysql redis docker terraform linux "
    "python java scala "
    "kotlin swift golang go rust ruby rails php react angular vue node typescript javascript django laravel elixir "
    "spark airflow "
    "snowflake databricks dbt flink graphql devsecops github gitlab jira slack series seed qt cobol oracle mongo "
    "mongodb elastic "
    "elasticsearch salesforce flutter unity hadoop spring kafka's dotnet net mainframe apollo berlin paris vienna "
    "madrid warsaw "
    "dublin amsterdam stockholm oslo york india poland portugal spain france uk us usa eu emea americas christmas "
    "easter hi hello"
)
_INSIDE = re.compile(r"(?<=[A-Za-z,] )[A-Z][a-z][\w&-]+")
_WORD = re.compile(r"\w+")


def strange_companies(reading: Reading, facts: Facts, vendor: frozenset[str]) -> Iterator[Hit]:
    """Each company that the draft deals with although the context does not know it."""
    text = reading.body.text[: reading.scan_chars]
    begun, signed = reading.core
    capitals = {word.lower() for word in _INSIDE.findall(text, begun, signed)} - _NO_COMPANY - vendor
    if all(word in facts.all_text for word in capitals):
        return
    for match in _FRAMES.finditer(text, 0, signed):
        group = match.lastgroup or "team"
        name = match.group(group).lower()
        words = [word for word in _WORD.findall(name) if len(word) > 1]
        if any(word in _NO_COMPANY for word in words) or any(known in name or name in known for known in vendor):
            continue
        if any(word in facts.all_text for word in words):
            continue
        detail = "The draft speaks of a company that the context does not know."
        yield Hit("thread.other_company", detail, (("body", *match.span(group)),))
