import platform

from django.contrib.auth.models import User
from django.http import HttpRequest, JsonResponse
from django.urls import path


def index(_request: HttpRequest) -> JsonResponse:
    return JsonResponse({"users": User.objects.count(), "machine": platform.machine()})


urlpatterns = [path("", index)]
