from contacts.models.attribute import Attribute
from contacts.models.contact import Contact, EmailStatus, Origin, PhoneStatus
from contacts.models.turn import Suppression, Turn

__all__ = ["Attribute", "Contact", "EmailStatus", "Origin", "PhoneStatus", "Suppression", "Turn"]
