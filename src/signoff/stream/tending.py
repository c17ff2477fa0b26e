"""What a worker does for a stream beside the traffic: seal answers, certify windows, teach."""

from __future__ import annotations

from dataclasses import dataclass

from signoff.stream.decider import Decider
from signoff.stream.fitting import is_due, teach


@dataclass(slots=True, kw_only=True)
class Tender:
    """Tends one stream; nothing here makes anybody who sends items wait for long."""

    decider: Decider

    def tend(self) -> bool:
        """Do what there is to do without teaching; whether anything was."""
        store, project = self.decider.store, self.decider.project
        sealed = self.decider.settle()
        loose = store.has_loose_ends(project.id)
        if loose:
            self.decider.tidy()
        return sealed > 0 or loose

    def wants_to_teach(self) -> bool:
        """Whether enough answers came since the last fit."""
        return is_due(self.decider.store.stream(self.decider.project.id))

    def teach(self) -> bool:
        """Fit the model anew and use it; False where that gave none."""
        it = self.decider
        state = it.store.stream(it.project.id)
        return teach(it.store, it.project, it.policy, it.recorder, state)
