from contacts.models.attribute import Attribute
from contacts.models.bin import Withdrawn
from contacts.models.change import Change
from contacts.models.contact import Contact, EmailStatus, Origin, PhoneStatus
from contacts.models.turn import Suppression, Turn

__all__ = ["Attribute", "Change", "Contact", "EmailStatus", "Origin", "PhoneStatus", "Suppression", "Turn", "Withdrawn"]
