"""What options have to hold: the hooks ``add_options`` and ``configure``."""

from __future__ import annotations

from planwise.errors import PlanwiseError, UsageError
from planwise.testing.contracts.common import Plugin
from planwise.testing.host import Place
from planwise.values import PluginOption, SettingValue


class AddOptions(Plugin):
    """Options are valid, always the same, and documented; their defaults and choices are taken."""

    hooks = ("add_options",)

    def test_options_are_always_the_same(self, planwise_place: Place) -> None:
        """Asked twice, and of a new object: a flag that comes and goes cannot be relied on."""
        first, again = self.declared(planwise_place), self.declared(planwise_place)
        host = self.host(planwise_place)
        third = self.ask("add_options", host.add_options)[self.plugin]
        self.expect(
            first == again == third,
            "add_options",
            f"expected the same options each time, got {first}, then {again}",
        )

    def test_each_option_is_documented(self, planwise_place: Place) -> None:
        """Its help is one line, for `planwise simulate --help`."""
        for option in self.declared(planwise_place):
            told = option.help.strip()
            self.expect(
                bool(told) and "\n" not in told,
                "add_options",
                f"option '{option.name}': expected one line of help, got {told!r}",
            )

    def test_each_choice_and_truth_value_is_taken(self, planwise_place: Place) -> None:
        """A value that the declaration offers is one that ``configure`` accepts."""
        for option in self.declared(planwise_place):
            for value in _offered(option):
                self.configured(planwise_place, {**self.options, option.name: value})

    def test_a_value_of_another_type_does_not_reach_it(self, planwise_place: Place) -> None:
        """planwise refuses what is not declared, before the plugin sees it."""
        for option in self.declared(planwise_place):
            wrong = _refused(option)
            if wrong is None:
                continue
            try:
                self.host(planwise_place, {**self.options, option.name: wrong})
            except UsageError:
                continue
            self.fail("add_options", f"option '{option.name}': expected that {wrong!r} is refused")

    def declared(self, place: Place) -> tuple[PluginOption, ...]:
        """The options, as a new object of the plugin declares them."""
        return self.ask("add_options", self.host(place).add_options)[self.plugin]

    def configured(self, place: Place, options: dict[str, SettingValue]) -> None:
        """Configure a new object of the plugin."""
        __tracebackhide__ = True
        try:
            self.host(place, options)
        except (PlanwiseError, AssertionError) as error:
            shown = ", ".join(f"{name}={value!r}" for name, value in options.items())
            self.fail(
                "configure", f"expected that it takes {shown}, which its options offer: {error}"
            )


class Configure(AddOptions):
    """``configure`` takes what is declared; ``add_options`` and ``configure`` are held together."""

    hooks = ("configure",)

    def test_defaults_are_taken(self, planwise_place: Place) -> None:
        """With nothing set but what these tests need, the plugin is ready."""
        host = self.host(planwise_place)
        self.expect(len(host.plugins) == 1, "configure", "expected that it is loaded")

    def test_it_is_given_its_own_options_only(self, planwise_place: Place) -> None:
        """It changes nothing of them, and prints nothing."""
        host = self.host(planwise_place)
        declared = host.add_options()[self.plugin]
        values = {each.name: self.options.get(each.name, each.default) for each in declared}
        self.ask("configure", host.configure, {self.plugin: values})


def _offered(option: PluginOption) -> tuple[SettingValue, ...]:
    return option.choices or ((True, False) if option.type is bool else ())


def _refused(option: PluginOption) -> SettingValue | None:
    """A value that the declaration does not allow, if there is one."""
    if option.choices:
        taken = {str(choice) for choice in option.choices}
        if option.type is str:
            return next(text for text in ("none of these", "nor these") if text not in taken)
    return None if option.type is str else "not a value of that type"
