"""Customer lists of Google Ads, by the Data Manager API and its own client (google-ads-datamanager, REST).

A request is taken at once, and what came of it is known later (`result`). Adding who is there, or removing who is
not, changes nothing, so a request may be repeated.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings
from google.ads import datamanager_v1 as api
from google.ads.datamanager_v1.services.ingestion_service.transports.rest import IngestionServiceRestTransport
from google.api_core import exceptions
from google.auth import exceptions as sign_in
from google.oauth2.credentials import Credentials

from destinations.google.kind import SCOPE
from destinations.kinds import Busy, Expired, Outcome, Parcel, Refused

SECONDS = 60.0
# What Google says when an account or a person has to do something.
_HINTS = {
    "TERMS_AND_CONDITIONS_NOT_SIGNED": "Accept the terms for Customer Match in Google Ads, then repair the sync.",
    "INVALID_USER_LIST_ID": "Google Ads has no customer list of this ID in the account.",
    "USER_LIST_MUTATION_NOT_SUPPORTED": "This list cannot be changed from outside. Make a customer list in Google Ads.",
    "NOT_ALLOWLISTED": "Google has not yet allowed this account to use Customer Match.",
}


@contextmanager
def connect(
    account: Mapping[str, Any], secret: Mapping[str, Any], target: Mapping[str, Any]
) -> Iterator["GoogleClient"]:
    """A connection; nothing is sent before the first request."""
    credentials = Credentials(  # type: ignore[no-untyped-call]
        None, refresh_token=secret.get("refresh_token"), token_uri=settings.GOOGLE_TOKEN_URL,
        client_id=settings.GOOGLE_CLIENT_ID, client_secret=settings.GOOGLE_CLIENT_SECRET, scopes=[SCOPE],
    )  # fmt: skip
    at = urlsplit(settings.GOOGLE_DATA_MANAGER_URL)
    transport = IngestionServiceRestTransport(host=at.netloc, url_scheme=at.scheme, credentials=credentials)
    with api.IngestionServiceClient(transport=transport) as client:
        yield GoogleClient(client, account, target)


class GoogleClient:
    """One customer list of one account."""

    def __init__(self, client: Any, account: Mapping[str, Any], target: Mapping[str, Any]) -> None:
        self.client, self.account, self.target = client, account, target

    def send(self, parcel: Parcel) -> Outcome:
        request = self._request(parcel.removes)
        self._fill(type(request).pb(request), parcel)
        call = self.client.remove_audience_members if parcel.removes else self.client.ingest_audience_members
        with _problems():
            answer = call(request=request, retry=None, timeout=SECONDS)
        return Outcome(len(parcel.people), request_id=answer.request_id)

    def _request(self, removes: bool) -> Any:
        if removes:
            return api.RemoveAudienceMembersRequest(destinations=[self._destination()], encoding=api.Encoding.HEX)
        granted = api.ConsentStatus.CONSENT_GRANTED
        accepted = api.TermsOfServiceStatus.ACCEPTED
        return api.IngestAudienceMembersRequest(
            destinations=[self._destination()], encoding=api.Encoding.HEX,
            # Only who has agreed is sent at all (destinations.eligibility).
            consent=api.Consent(ad_user_data=granted, ad_personalization=granted),
            terms_of_service=api.TermsOfService(customer_match_terms_of_service_status=accepted),
        )  # fmt: skip

    def _destination(self) -> Any:
        kind = api.ProductAccount.AccountType.GOOGLE_ADS
        own = str(self.account["customer_id"])
        login = str(self.account.get("login_customer_id") or own)
        return api.Destination(
            operating_account=api.ProductAccount(account_type=kind, account_id=own),
            login_account=api.ProductAccount(account_type=kind, account_id=login),
            product_destination_id=str(self.target.get("list_id", "")),
        )

    @staticmethod
    def _fill(message: Any, parcel: Parcel) -> None:
        """Add the people; on the bare message, as the library's wrapper takes ten times as long."""
        for identifiers in parcel.people:
            found = message.audience_members.add().user_data.user_identifiers
            for kind, _value, _normal, sent in identifiers:
                if kind == "email":
                    found.add().email_address = sent
                elif kind == "phone":
                    found.add().phone_number = sent
                else:
                    address = found.add().address
                    # A postal code may have blanks.
                    address.given_name, address.family_name, address.region_code, address.postal_code = sent.split(
                        " ", 3
                    )

    def result(self, request_id: str) -> Outcome | None:
        with _problems():
            answer = self.client.retrieve_request_status(
                request={"request_id": request_id}, retry=None, timeout=SECONDS
            )
        states = api.RequestStatusPerDestination.RequestStatus
        status = answer.request_status_per_destination[0]
        if status.request_status in (states.PROCESSING, states.REQUEST_STATUS_UNKNOWN):
            return None
        rejected = {_reason(one.reason.name): int(one.record_count) for one in status.error_info.error_counts}
        if status.request_status == states.FAILED:
            raise Refused(
                f"Google has refused all contacts of a request: {', '.join(sorted(rejected)) or 'no reason said'}."
            )
        return Outcome(rejected=rejected)

    def check(self) -> str:
        """Asks for a check of a request about nobody real: Google validates account, list and terms."""
        request = self._request(removes=False)
        request.validate_only = True
        found = type(request).pb(request).audience_members.add().user_data.user_identifiers
        found.add().email_address = "0" * 64
        with _problems():
            self.client.ingest_audience_members(request=request, retry=None, timeout=SECONDS)
        return "Google Ads accepts contacts for this list."


def _reason(name: str) -> str:
    """A reason as pages show it."""
    return name.removeprefix("PROCESSING_ERROR_REASON_").replace("_", " ").capitalize()


@contextmanager
def _problems() -> Iterator[None]:
    """Turn what the client raises into what it means for a run."""
    try:
        yield
    except sign_in.RefreshError as problem:
        if problem.retryable:
            raise Busy("Google's sign-in does not answer.") from None
        raise Expired("Google no longer accepts the connection. Connect again.") from None
    except (sign_in.TransportError, requests.RequestException, exceptions.RetryError):
        raise Busy("Google cannot be reached.") from None
    except exceptions.GoogleAPICallError as problem:
        raise _meaning(problem) from None


def _meaning(problem: Any) -> Exception:
    status, text = int(problem.code or 0), str(problem.message)[:200]
    if status == 401:
        return Expired("Google no longer accepts the connection. Connect again.")
    if status == 429 or status >= 500:
        after = str(problem.response.headers.get("Retry-After", "")) if problem.response is not None else ""
        sentence = "Google has had too many requests." if status == 429 else "Google has a problem."
        return Busy(sentence, seconds=float(after) if after.isdigit() else 0.0)
    for reason in [str(getattr(problem, "reason", "") or ""), *_reasons(problem)]:
        if reason in _HINTS:
            return Refused(_HINTS[reason])
    return Refused(f"Google has refused the request: {text}")


def _reasons(problem: Any) -> Iterator[str]:
    for detail in problem.details or ():
        yield str(getattr(detail, "reason", ""))
        for violation in getattr(detail, "field_violations", ()):
            yield str(getattr(violation, "reason", ""))
