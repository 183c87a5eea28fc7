"""For programs: is this process alive, can it work, what is wrong, and figures for Prometheus."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from core.http import not_found
from insights.operations import access, diagnosis, machinery
from insights.operations import metrics as figures
from tenants.roles import public


@public
@require_safe
def live(_request: HttpRequest) -> HttpResponse:
    """This process answers. Asks no other server: a process is not to be killed because the database is away."""
    return JsonResponse({"live": True})


@public
@require_safe
def ready(_request: HttpRequest) -> HttpResponse:
    """Whether this process can serve pages: the database and the broker answer. 503 when one does not."""
    found = machinery.look(statements=False)
    well = found.database and found.broker
    return JsonResponse(
        {"ready": well, "database": found.database, "broker": found.broker}, status=200 if well else 503
    )


@public
@require_safe
def deep(request: HttpRequest) -> HttpResponse:
    """What is wrong, in words, with what to do; 503 while something bad is. Guarded (insights.operations.access)."""
    if not access.may_read(request):
        return not_found(request)
    problems = diagnosis.problems(machinery.look(statements=False))
    bad = any(problem.tone == "bad" for problem in problems)
    said = [{"code": p.code, "sentence": p.sentence, "advice": p.advice, "bad": p.tone == "bad"} for p in problems]
    return JsonResponse({"well": not problems, "problems": said}, status=503 if bad else 200)


@public
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Figures for Prometheus. Guarded (insights.operations.access)."""
    if not access.may_read(request):
        return not_found(request)
    return HttpResponse(figures.exposition(), content_type=figures.CONTENT_TYPE)
