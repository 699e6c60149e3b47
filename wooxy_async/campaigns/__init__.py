"""Campaigns: a file of contacts times a template makes messages, and a plan says beforehand what will not go.

Example:
    contacts = Contacts("contacts.csv")
    campaign = Campaign(contacts, domain="shop.example", text="Hi {{firstName}}")
    print(campaign.plan())
    async for outcome in client.send_many(campaign.messages()): ...
"""

from wooxy_async.campaigns._campaign import Campaign
from wooxy_async.campaigns._contacts import Contact, Contacts
from wooxy_async.campaigns._errors import CampaignError, ContactsError, TemplateError, UnsendableError
from wooxy_async.campaigns._plan import Plan, PlanWarning, ReadyRow, Unique, UnusableKind, UnusableRow
from wooxy_async.campaigns._template import Template, UrlTemplate

__all__ = [
    "Campaign",
    "CampaignError",
    "Contact",
    "Contacts",
    "ContactsError",
    "Plan",
    "PlanWarning",
    "ReadyRow",
    "Template",
    "TemplateError",
    "Unique",
    "UnsendableError",
    "UnusableKind",
    "UnusableRow",
    "UrlTemplate",
]
