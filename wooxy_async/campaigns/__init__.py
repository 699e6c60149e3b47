"""Campaigns: a file of contacts times a template makes messages, and a plan says beforehand what will not go.

Example:
    contacts = Contacts("contacts.csv")
    campaign = Campaign(contacts, domain="shop.example", text="Hi {{firstName}}")
    print(campaign.plan())
    async for outcome in client.send_many(campaign.messages()): ...
"""

from wooxy_async._public import show_public_paths
from wooxy_async.campaigns._campaign import Campaign
from wooxy_async.campaigns._canary import Canary, parse_canary
from wooxy_async.campaigns._care import Care, CareVerdict, as_test
from wooxy_async.campaigns._contacts import Contact, Contacts
from wooxy_async.campaigns._cost import CostLimit, Prices, as_price, one_price, read_prices
from wooxy_async.campaigns._errors import (
    CampaignError,
    ContactsError,
    EncodingError,
    NumberColumnError,
    RefusalsError,
    TemplateError,
    UnsendableError,
)
from wooxy_async.campaigns._journal import Resume, Resumed
from wooxy_async.campaigns._numbers import NumberReader
from wooxy_async.campaigns._offers import Offer
from wooxy_async.campaigns._plan import (
    Plan,
    PlanWarning,
    ProblemGroup,
    ReadyRow,
    Unique,
    UnusableKind,
    UnusableRow,
    make_plan,
)
from wooxy_async.campaigns._refusals import ParkedPair
from wooxy_async.campaigns._run import CampaignRun
from wooxy_async.campaigns._suppression import SuppressionFormat, SuppressionList
from wooxy_async.campaigns._template import Template, UrlTemplate
from wooxy_async.campaigns._template_file import MessageFile, read_message_file, read_text_file
from wooxy_async.campaigns._window import SendingWindow, at_night, parse_window, read_dates, zones_of

__all__ = [
    "Campaign",
    "CampaignError",
    "CampaignRun",
    "Canary",
    "Care",
    "CareVerdict",
    "Contact",
    "Contacts",
    "ContactsError",
    "CostLimit",
    "EncodingError",
    "MessageFile",
    "NumberColumnError",
    "NumberReader",
    "Offer",
    "ParkedPair",
    "Plan",
    "PlanWarning",
    "Prices",
    "ProblemGroup",
    "ReadyRow",
    "RefusalsError",
    "Resume",
    "Resumed",
    "SendingWindow",
    "SuppressionFormat",
    "SuppressionList",
    "Template",
    "TemplateError",
    "Unique",
    "UnsendableError",
    "UnusableKind",
    "UnusableRow",
    "UrlTemplate",
    "as_price",
    "as_test",
    "at_night",
    "make_plan",
    "one_price",
    "parse_canary",
    "parse_window",
    "read_dates",
    "read_message_file",
    "read_prices",
    "read_text_file",
    "zones_of",
]

show_public_paths(__name__)
