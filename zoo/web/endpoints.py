"""What the server does: one method for each operation, each a few lines over `zoo.inference`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from zoo.errors import AccessError, NetworkError, NotFoundError, UnsafeFileError, UsageError, ZooError
from zoo.web import answers, describe, requests
from zoo.web.answers import Answer
from zoo.web.pool import BusyError, StaleError

if TYPE_CHECKING:
    from starlette.requests import Request

    from zoo.catalog.interface import Capability
    from zoo.inference.model import Model
    from zoo.web.pool import Pool
    from zoo.web.shelf import Shelf

# Status codes of errors; the first class that fits.
_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (BusyError, 503),
    (StaleError, 409),
    (requests.TooLargeError, 413),
    (requests.SlowError, 408),
    (UsageError, 400),
    (NotFoundError, 404),
    (UnsafeFileError, 422),
    (AccessError, 502),
    (NetworkError, 502),
)
LANE_LENGTH = 64
Work = Callable[["Asked"], Answer]


@dataclass(frozen=True)
class Asked:
    """What a request said: `json` is whether its body is, `told` what the model is to be told, each as NAME=VALUE."""

    model: str
    query: dict[str, str]
    accept: str
    json: bool
    body: bytes = b""
    told: tuple[str, ...] = ()

    def number(self, name: str, default: float) -> float:
        """A number of the query. Raises UsageError for another word."""
        try:
            return float(self.query.get(name, default))
        except ValueError as error:
            raise UsageError(f"{name} must be a number, not {self.query[name][:20]!r}") from error

    def whole(self, name: str, default: int) -> int:
        """A whole number of the query, 0 or more. Raises UsageError for another word."""
        text = self.query.get(name, str(default))
        if not (text.isascii() and text.isdigit() and len(text) < 19):
            raise UsageError(f"{name} must be a whole number, not {text[:20]!r}")
        return int(text)


@dataclass
class Endpoints:
    """The operations over the models of a shelf, done by a pool; `max_pixels` bounds each picture that is sent."""

    shelf: Shelf
    pool: Pool
    max_pixels: int = requests.MAX_PIXELS
    max_upload: int = requests.MAX_UPLOAD_BYTES

    def handler(self, work: Work) -> Callable[[Request], Awaitable[Response]]:
        """The handler of an operation: its body read, the work done by the pool, errors as one line of JSON."""

        async def handle(request: Request) -> Response:
            try:
                answer = await self._answer(request, work)
            except ClientDisconnect:  # in the middle of its body: nobody hears the answer
                return Response(status_code=400)
            except Exception as error:  # whatever it is, it is said in one line
                return refusal(error)
            return Response(answer.body, 200, answer.headers, answer.media_type)

        return handle

    async def _answer(self, request: Request, work: Work) -> Answer:
        json = requests.is_json(request)
        limit = min(requests.MAX_JSON_BYTES, self.max_upload) if json else self.max_upload
        with self.pool.admitted():
            body = await requests.read_body(request, limit) if request.method == "POST" else b""
            lane = request.headers.get("x-lane", "")[:LANE_LENGTH]
            model, accept = request.path_params.get("model", ""), request.headers.get("accept", "")
            query = request.query_params
            asked = Asked(model, dict(query), accept, json, body, tuple(query.getlist("set")))
            return await self.pool.run(lambda: work(asked), lane, _gone(request))

    def models(self, _: Asked) -> Answer:
        """All models, and the one that was named when the server was started."""
        rows = [describe.row(entry, self.shelf) for entry in self.shelf.entries.values()]
        return answers.of_json({"models": rows, "first": self.shelf.first, "tasks": self.shelf.tasks()})

    def model(self, asked: Asked) -> Answer:
        """One model: its interface, figures and card."""
        return answers.of_json(describe.full(self.shelf.find(asked.model), self.shelf))

    def picture(self, asked: Asked) -> Answer:
        """The picture of a model's card."""
        path = describe.picture_of(self.shelf.find(asked.model))
        if path is None:
            raise NotFoundError(f"{asked.model} has no picture")
        return Answer(path.read_bytes(), "image/jpeg")

    def sample(self, asked: Asked) -> Answer:
        """A picture to try a model with: a drawing, a photo, or one that the model made itself."""
        return answers.sample_of(self.shelf.open(asked.model))

    def space(self, asked: Asked) -> Answer:
        """The directions to move along in a model's latent space."""
        return answers.of_space(self.shelf.space(asked.model))

    def points(self, asked: Asked) -> Answer:
        """What is shown on the map of a model's latent space."""
        return answers.of_points(self.shelf.points(asked.model))

    def run(self, asked: Asked) -> Answer:
        """Do a model's job on a picture."""
        from zoo.jobs.answers import Options, advice, answer_to, channels_read
        from zoo.pictures.images import read_picture

        model = self._open(asked, "translate")
        strength = asked.number("strength", 1.0)
        if strength != 1:
            model.require_strength(strength)
        from_photo = asked.query.get("from_photo", "") in ("1", "true")
        if from_photo and not model.interface.fit("translate").of_drawings:
            raise UsageError(f"from_photo is for models that are given drawings; {model.id} is given pictures")
        options = Options(from_photo=from_photo, strength=strength, max_pixels=self.max_pixels)
        number = asked.whole("candidate", 0)
        if number >= requests.MAX_COUNT:
            raise UsageError(f"there are candidates 0 to {requests.MAX_COUNT - 1}, not {number}")
        data = requests.picture_bytes(requests.parsed(asked.body, requests.Run).image) if asked.json else asked.body
        picture = read_picture(data, channels_read(model, options), self.max_pixels)
        _, result, unlike = answer_to(model, picture, options, number)
        notes = (*picture.notes, *advice(model, picture, options))
        if unlike:
            notes += ("the model was trained on pictures of another kind, so far as it can tell",)
        return answers.of_picture(result, asked.query.get("format", ""), asked.accept, notes)

    def encode(self, asked: Asked) -> Answer:
        """The latent of a picture."""
        from zoo.pictures.images import read_picture

        model = self._open(asked, "encode")
        data = requests.picture_bytes(requests.parsed(asked.body, requests.Run).image) if asked.json else asked.body
        pixels = read_picture(data, max_pixels=self.max_pixels).pixels
        return answers.of_latents(model.encode(pixels.transpose(2, 0, 1)[None]), asked.accept)

    def decode(self, asked: Asked) -> Answer:
        """Pictures of latents."""
        model = self._open(asked, "decode")
        latents = requests.latents_of(model, asked.body, asked.json, asked.query.get("shape", ""))
        requests.require_few(model, len(latents))
        return answers.of_pictures(model.decode(latents, steps=self._steps(asked)), asked.accept)

    def draw(self, asked: Asked) -> Answer:
        """Latents drawn from the prior."""
        model, wanted = self.shelf.open(asked.model), requests.parsed(asked.body, requests.Draw)
        return answers.of_latents(model.draw(wanted.n, wanted.seed, wanted.prior), asked.accept)

    def generate(self, asked: Asked) -> Answer:
        """New pictures."""
        model, wanted = self._open(asked, "generate"), requests.parsed(asked.body, requests.Draw)
        requests.require_few(model, wanted.n)
        made = model.generate(wanted.n, wanted.seed, wanted.prior, steps=self._steps(asked))
        return answers.of_pictures(made, asked.accept)

    def interpolate(self, asked: Asked) -> Answer:
        """Pictures from one place to another."""
        model, wanted = self._open(asked, "decode"), requests.parsed(asked.body, requests.Interpolate)
        requests.require_few(model, wanted.steps)
        a, b = (requests.latent_at(model, point, self.max_pixels) for point in (wanted.a, wanted.b))
        return answers.of_pictures(model.interpolate(a, b, wanted.steps, wanted.path), asked.accept)

    def vary(self, asked: Asked) -> Answer:
        """Pictures like one."""
        model, wanted = self._open(asked, "decode"), requests.parsed(asked.body, requests.Vary)
        requests.require_few(model, wanted.n)
        place = requests.latent_at(model, wanted.of, self.max_pixels)
        return answers.of_pictures(model.vary(place, wanted.strength, wanted.n, wanted.seed), asked.accept)

    def add(self, asked: Asked) -> Answer:
        """The picture of a sum of two latents."""
        model, wanted = self._open(asked, "decode"), requests.parsed(asked.body, requests.Add)
        a, b = (requests.latent_at(model, point, self.max_pixels) for point in (wanted.a, wanted.b))
        return answers.of_pictures(model.add(a, b, wanted.weights, plain=wanted.plain), asked.accept)

    def _open(self, asked: Asked, capability: Capability) -> Model:
        """The model, told what the request says. Raises UnsupportedCapability if it can't do what is asked."""
        model = self.shelf.open(asked.model)
        model.require(capability)
        return model.with_conditions(**requests.conditions_of(asked.told))

    @staticmethod
    def _steps(asked: Asked) -> int | None:
        """How often a latent is denoised, if the request says it."""
        return asked.whole("steps", 0) if "steps" in asked.query else None


def refusal(error: Exception) -> Response:
    """An error as an answer: its status, and one line of JSON."""
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    if isinstance(error, MemoryError):
        reason = "not enough memory for a picture of this size"
    elif isinstance(error, ZooError):
        reason = " ".join(str(error).split())
    else:
        reason = f"unexpected {type(error).__name__}: please report it"
        _log(error)
    return JSONResponse({"error": reason}, status, {"retry-after": "1"} if status == 503 else None)


def _log(error: Exception) -> None:
    """A fault of the program goes to the terminal of who runs the server, not to the client."""
    import logging

    logging.getLogger("zoo.web").error("unexpected %s: %s", type(error).__name__, error, exc_info=error)


async def _gone(request: Request) -> Any:
    """End when the client has left; its body must have been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
