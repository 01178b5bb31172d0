"""Which secrets are known, those that Gitleaks knows and the dresses that programs give them; and the cost."""

from __future__ import annotations

import random
import time

import pytest

from dashboard.model import Container, LogLine, ServiceKey
from dashboard.view.scan import Scan
from dashboard.view.secrets import MOST_FOUND, Rules
from tests.support.cost import assert_linear
from tests.support.secrets import DRESSES, GITLEAKS, GITLEAKS_PUBLIC, ORDINARY, filled

WEB = Container('c' * 64, 'shop-web-1', ServiceKey('local', 'shop', 'web'), 'web:1', 'running')
RULES = Rules()
AROUND = ['{}', 'INFO value={} ok', '{{"msg":"{}"}}', 'x\t{}, and more']


def redacted(text: str) -> str:
    row = LogLine.of(WEB, 1, text)
    return Scan(RULES).changes([row]).get(0, row).text


@pytest.mark.parametrize('kind', GITLEAKS)
def test_a_kind_of_secret_that_gitleaks_knows_is_hidden(kind):
    chance = random.Random(kind)
    for around in AROUND:
        text, secrets = filled(GITLEAKS[kind], chance)
        left = redacted(around.format(text.replace('"', r'\"') if 'msg' in around else text))
        assert not any(secret in left for secret in secrets), left


@pytest.mark.parametrize('kind', GITLEAKS_PUBLIC)
def test_what_gitleaks_reports_and_is_no_secret_in_a_log_stays(kind):
    text, _ = filled(GITLEAKS_PUBLIC[kind], random.Random(kind))
    assert redacted(text) == text


@pytest.mark.parametrize('dress', DRESSES)
def test_a_secret_is_hidden_in_every_common_dress(dress):
    chance = random.Random(dress)
    for _ in range(5):
        text, secrets = filled(dress, chance)
        left = redacted(text)
        assert not any(secret in left for secret in secrets), left
        assert redacted(left) == left


@pytest.mark.parametrize('template', ORDINARY)
def test_an_ordinary_line_stays(template):
    chance = random.Random(template)
    for _ in range(15):
        text, _ = filled(template, chance)
        assert redacted(text) == text


def test_the_table_is_as_long_as_it_says():
    assert len(GITLEAKS) + len(GITLEAKS_PUBLIC) == 218
    assert len(DRESSES) >= 150


# what a line may cost


def test_beyond_the_budget_of_a_rule_the_rest_of_a_line_is_hidden():
    text = ' '.join(['AKIAIOSFODNN7EXAMPLE'] * (MOST_FOUND + 2)) + ' the end'
    left = redacted(text)
    assert left.count('[redacted: AWS key]') == MOST_FOUND + 1
    assert left.endswith('[redacted: AWS key]')
    assert redacted('4111 ' * 3_000).count('4111') < 3_000
    assert '5555 5555 5555 4444' not in redacted('4112 ' * 3_000 + '5555 5555 5555 4444')


def test_the_worst_digits_cost_no_more_than_other_hostile_text():
    """They cost seconds a MiB when each group was looked at in Python."""
    size = 1 << 18
    plain = _took('Bearer ' * (size // 7))
    for text in ('4111 ', '4111 1111 1111 1111 ', '4', '4 1 ', '4111.'):
        assert _took(text * (size // len(text))) < 5 * plain + 0.05


@pytest.mark.parametrize(
    'text',
    [
        'password=', 'password: a ', 'token=', '"value":"', 'api_key,"value":"', 'cookie: a=b ', 'authorization: ',
        'curl -u a ', 'login a ', 'sc_aaaaa.aaaa.', 't1.a=.', '1:1:1$', '2$2$2$', 'xoxb-', '%7c', '\\"', '<password ',
        'aB3' * 14 + ' ', '4111.', '4111 1111 1111 1111 ', '[redacted: x]', 'secret_', 'LS0tLS1CRUdJTi',
    ],
)  # fmt: skip
def test_time_grows_with_the_length_of_a_hostile_line_and_not_with_its_square(text):
    assert_linear(lambda size: redacted(text * (size // len(text))), 5_000)


def _took(text: str) -> float:
    redacted(text)
    start = time.process_time()
    redacted(text)
    return time.process_time() - start
