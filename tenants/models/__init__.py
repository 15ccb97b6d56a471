"""Whose data it is: the tables of tenants, people, places and what was done."""

from tenants.models.base import SoftDelete, TenantModel
from tenants.models.key import ApiKey, RevokedToken
from tenants.models.letter import Letter, SiteLetter
from tenants.models.people import Invitation, Seat, Staff, User
from tenants.models.place import Device, Location
from tenants.models.secret import OneTimeSecret
from tenants.models.session import Session
from tenants.models.signup import SignUp, SiteGuess
from tenants.models.tenant import Domain, Logo, Shop, Tenant
from tenants.models.trace import AuditEntry
from tenants.models.traffic import Guess, Usage
from tenants.models.world import Country, Currency, Language

__all__ = [
    "ApiKey",
    "AuditEntry",
    "Country",
    "Currency",
    "Device",
    "Domain",
    "Guess",
    "Invitation",
    "Language",
    "Letter",
    "Location",
    "Logo",
    "OneTimeSecret",
    "RevokedToken",
    "Seat",
    "Session",
    "Shop",
    "SignUp",
    "SiteGuess",
    "SiteLetter",
    "SoftDelete",
    "Staff",
    "Tenant",
    "TenantModel",
    "Usage",
    "User",
]
