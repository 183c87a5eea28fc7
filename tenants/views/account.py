"""One's own account: name, e-mail address, and the browsers that are signed in."""

from typing import cast

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.http import invalid, render_page
from core.parse import parse_id
from tenants import second_factor
from tenants.accounts import email_change, mails, sessions
from tenants.accounts.email_change import Over, Taken
from tenants.accounts.forms import EmailForm, ProfileForm
from tenants.models import User
from tenants.roles import public, signed_in
from tenants.workspaces import workspaces_of

TAKEN = "Another account has this address in the meantime. Nothing was changed."


@signed_in
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Name, and what else the account has."""
    user = _user(request)
    form = ProfileForm(request.POST if request.method == "POST" else None, initial={"name": user.name})
    if request.method == "POST" and form.is_valid():
        user.name = form.cleaned_data["name"]
        user.save(update_fields=["name"])
        messages.success(request, "Name saved.")
        return redirect("account")
    answer = invalid if request.method == "POST" else render_page
    return answer(
        request,
        "account/profile.html",
        {
            "form": form,
            "has_factor": second_factor.exists(user.pk),
            "places": workspaces_of(user.pk),
            "open_sessions": len(sessions.of(user)),
        },
    )


@signed_in
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@reauthentication_required  # type: ignore[untyped-decorator]
def email(request: HttpRequest) -> HttpResponse:
    """Ask for another address: a link goes there. Nothing changes until it is opened."""
    user = _user(request)
    form = EmailForm(request.POST if request.method == "POST" else None, user=user)
    if request.method == "POST" and form.is_valid():
        new = form.cleaned_data["email"]
        # Whether an address has an account is told to who reads its mail, not to who asks here.
        send = mails.email_taken if User.objects.filter(email=new).exists() else mails.confirm_email
        send(request, user, new=new)
        messages.success(request, f"We sent a link to {new}. Your address changes when you open it.")
        return redirect("account")
    answer = invalid if request.method == "POST" else render_page
    return answer(request, "account/email.html", {"form": form})


@signed_in
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_email(request: HttpRequest, token: str) -> HttpResponse:
    """The link at the new address, opened by the person signed in; the old address is told."""
    try:
        wanted = email_change.read_confirm(token, user=_user(request))
        if request.method == "POST":
            email_change.change(wanted)
            mails.email_changed(request, wanted)
            messages.success(request, f"You now sign in with {wanted.new}.")
            return redirect("account")
    except Over:
        return render_page(request, "account/email_over.html", status=410)
    except Taken:
        messages.error(request, TAKEN)
        return redirect("account")
    return render_page(request, "account/email_confirm.html", {"wanted": wanted})


@public
@require_http_methods(["GET", "HEAD", "POST"])
def reverse_email(request: HttpRequest, token: str) -> HttpResponse:
    """The link at the old address, for who did not change it: whoever reads that mail gets the account again."""
    try:
        wanted = email_change.read_reverse(token)
        if request.method == "POST":
            email_change.reverse(wanted)
            return render_page(request, "account/email_reversed.html", {"wanted": wanted})
    except (Over, Taken):
        return render_page(request, "account/email_over.html", status=410)
    return render_page(request, "account/email_reverse.html", {"wanted": wanted})


@signed_in
@login_required
@require_safe
def sessions_page(request: HttpRequest) -> HttpResponse:
    """Where the account is signed in."""
    here = request.session.session_key
    rows = [
        {"session": found, "words": sessions.words_of(found.user_agent), "here": found.session_key == here}
        for found in sessions.of(_user(request))
    ]
    return render_page(
        request, "account/sessions.html", {"rows": rows, "others": len([r for r in rows if not r["here"]])}
    )


@signed_in
@login_required
@require_POST
def end_sessions(request: HttpRequest) -> HttpResponse:
    """Sign out one browser, or all others. It can sign in again."""
    given = request.POST.get("session")
    only = None if given is None else parse_id(given) or 0
    ended = sessions.end(_user(request), only=only, but=request.session.session_key)
    messages.success(request, f"{ended} browser{'' if ended == 1 else 's'} signed out.")
    return redirect("account_sessions")


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)
