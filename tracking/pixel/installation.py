"""What is to be put on the pages of a site: the script, the same for Google Tag Manager, and a mail that explains both."""

from dataclasses import dataclass

from django.utils.html import format_html

from tracking.models import Site


@dataclass(frozen=True)
class Snippets:
    """Code for pages, and for a tag of the type Custom HTML."""

    script: str
    tag_manager: str


def snippets(site: Site, *, base: str) -> Snippets:
    """The code of a site; `base` is the address of the product, without a slash at its end."""
    attributes = {"key": site.key}
    if site.consent_required:
        attributes["consent"] = "required"
    if site.capture_forms:
        attributes["forms"] = ""
    written = "".join(f' data-{name}="{value}"' if value else f" data-{name}" for name, value in attributes.items())
    image = "" if site.consent_required else (
        f'\n<noscript><img src="{base}/p/{site.key}" alt="" width="1" height="1"></noscript>'
    )  # fmt: skip
    script = f'<script src="{base}/static/pixel.js"{written} defer></script>{image}'
    given = "\n".join(f'  pixel.setAttribute("data-{name}", "{value}");' for name, value in attributes.items())
    tag_manager = (
        '<script>\n  var pixel = document.createElement("script");\n'
        f'  pixel.src = "{base}/static/pixel.js";\n{given}\n  document.head.appendChild(pixel);\n</script>'
    )
    return Snippets(script, tag_manager)


def mail(site: Site, *, base: str, sender: str, workspace: str) -> tuple[str, str]:
    """Subject and text for the developer of a site."""
    code, host = snippets(site, base=base), base.partition("://")[2]
    consent = (
        "\nNothing is recorded before consent: when your consent banner is answered, call cdp.consent(true) or\n"
        "cdp.consent(false).\n"
        if site.consent_required
        else ""
    )
    text = (
        f"{sender} asks you to add a tracking script to {site.name}, for the workspace {workspace}.\n\n"
        f"Add this before the end of <head> on every page:\n\n{code.script}\n\n"
        f"Or, in Google Tag Manager, create a tag of the type Custom HTML that fires on all pages:\n\n{code.tag_manager}\n"
        f"{consent}\n"
        f"If the site has a Content-Security-Policy, add {host} to script-src, connect-src and img-src.\n\n"
        "To identify visitors who sign in:\n\n"
        '(window.cdp = window.cdp || []).push(["identify", {external_id: "YOUR-ID", email: "ann@example.com"}]);\n\n'
        "To check the installation, open a page of the site with #cdp-check at the end of its address.\n"
    )
    return f"Install the pixel on {site.name}", text


def example_address(site: Site) -> str:
    """The first page that a person would check; "" where the name of the site is no host."""
    host = next((h for h in site.hosts.split() if not h.startswith("*")), site.name.strip().lower())
    return format_html("https://{}/#cdp-check", host) if "." in host and " " not in host and "/" not in host else ""
