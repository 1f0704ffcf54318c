"""The terms of the objective, one file each.

The anti-collapse term, or the reconstruction that takes its place, comes first and stands in
``sciwm.loss.objective``; the order of the others is the order in which they are computed.
"""

from sciwm.loss.terms.adjoints import Adjoints
from sciwm.loss.terms.budget import Budget, budget_residual
from sciwm.loss.terms.heads import HeadsEncoded, HeadsRolled
from sciwm.loss.terms.inverse import InverseDynamics
from sciwm.loss.terms.ledger import LedgerTie
from sciwm.loss.terms.prediction import OneStep, Rollout
from sciwm.loss.terms.prediction_error import prediction_errors
from sciwm.loss.terms.shell import Shell
from sciwm.loss.terms.tangents import Tangents
from sciwm.loss.terms.term import Term, TermInputs
from sciwm.loss.terms.twins import Twins

TERMS: tuple[type[Term], ...] = (
    OneStep,
    Rollout,
    HeadsEncoded,
    HeadsRolled,
    Budget,
    LedgerTie,
    Shell,
    InverseDynamics,
    Twins,
    Tangents,
    Adjoints,
)
"""All terms; those that the settings give a weight and that apply to the model make its objective."""

__all__ = ["TERMS", "Term", "TermInputs", "budget_residual", "prediction_errors"]
