"""Components of templates/ui that hold text: as tags with an end, so that a long text can be broken into lines."""

from django import template
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_block_tag
def empty_state(
    content: SafeString,
    title: str,
    icon: str = "inbox",
    url: str = "",
    action: str = "",
    primary: bool = False,
    more_url: str = "",
    more: str = "",
) -> SafeString:
    """{% empty_state title="No sites yet" icon="globe" %}What belongs here and what to do next.{% endempty_state %}"""
    known = {"title": title, "icon": icon, "url": url, "action": action, "primary": primary}
    return render_to_string(
        "ui/empty.html", {"text": SafeString(content.strip()), "more_url": more_url, "more": more, **known}
    )


@register.simple_block_tag
def note(
    content: SafeString, tone: str = "", icon: str = "", strong: str = "", url: str = "", link: str = ""
) -> SafeString:
    """{% note tone="warn" strong="The sentence that says it all." %}More about it.{% endnote %}"""
    known = {"tone": tone, "icon": icon, "strong": strong, "url": url, "link": link}
    return render_to_string("ui/note.html", {"text": SafeString(content.strip()), **known})
