"""Templates: plain substitution, and errors that name what is wrong."""

import pickle

import pytest

from wooxy_async.campaigns import Template, TemplateError, UrlTemplate

COLUMNS = ("firstName", "city", "Order Number", "link", "")


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Hi {{firstName}}!", "Hi José!"),
        ("{{firstName}}{{ firstName }}{{\tcity\n}}", "JoséJoséSão Paulo"),
        ("{{Order Number}}", "17"),
        ("no names", "no names"),
        ("{one} brace {{firstName}} {", "{one} brace José {"),
        ("{{{firstName}}}", "{José}"),
        ("100 % %s {0} \\1 {{city}}", "100 % %s {0} \\1 São Paulo"),
    ],
)
def test_values_are_put_in_as_they_stand(source: str, text: str) -> None:
    """Every `{{name}}` is replaced, blanks inside the braces are allowed, and nothing else means anything."""
    values = {"firstName": "José", "city": "São Paulo", "Order Number": "17"}
    assert Template(source, COLUMNS).render(values) == text


def test_a_value_is_never_read_as_a_template() -> None:
    """Braces in a value stay braces."""
    template = Template("{{firstName}} {{city}}", COLUMNS)
    assert template.render({"firstName": "{{city}}", "city": "{{"}) == "{{city}} {{"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("Hi {{firstname}}", "{{firstname}} is no column of the contacts. Did you mean {{firstName}}?"),
        ("Hi {{zzz}}", "{{zzz}} is no column of the contacts. The columns are: firstName, city, Order Number, link."),
        ("Hi {{}}", "{{}} is no column"),
        ("Hi {{a.b}}", "{{a.b}} is no column"),
        ("Hi {{firstName}", "the braces in 'Hi {{firstName}' are no {{name}}"),
        ("Hi firstName}}", "the braces in"),
        ("{{firstName|upper}}", "{{firstName|upper}}: nothing is executed. What stands behind the bar"),
    ],
)
def test_a_name_that_is_no_column_is_an_error_that_lists_the_columns(source: str, said: str) -> None:
    """A mistake in a template is found when it is made, not when it is sent."""
    with pytest.raises(TemplateError) as caught:
        Template(source, COLUMNS, field="button.text")
    assert said in str(caught.value)
    assert str(caught.value).startswith("button.text: ")
    assert caught.value.field == "button.text"
    copied = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own pickle
    assert (copied.field, str(copied)) == ("button.text", str(caught.value))


@pytest.mark.parametrize(
    ("source", "url"),
    [
        ("https://shop.example/{{firstName}}?c={{city}}", "https://shop.example/Zo%C3%AB?c=a%2Fb%20%26%3F"),
        ("{{link}}", "https://x.example/?a=1&b=2"),
        ("{{link}}&c={{city}}", "https://x.example/?a=1&b=2&c=a%2Fb%20%26%3F"),
        ("https://shop.example/", "https://shop.example/"),
    ],
)
def test_values_in_an_address_are_percent_encoded_unless_they_begin_it(source: str, url: str) -> None:
    """A name cannot break an address, and a column of whole addresses stays what it is."""
    values = {"firstName": "Zoë", "city": "a/b &?", "link": "https://x.example/?a=1&b=2"}
    assert UrlTemplate(source, COLUMNS).render(values) == url


def test_a_contact_without_the_column_is_a_key_error() -> None:
    """JSON lines may lack a column; that is told by its name."""
    with pytest.raises(KeyError, match="city"):
        Template("{{city}}", COLUMNS).render({"firstName": "Bo"})


def test_the_repr_names_the_names() -> None:
    """What is printed tells the field and the names, not the text."""
    assert repr(Template("Hi {{city}}", COLUMNS)) == "Template(text: city)"
    assert repr(UrlTemplate("x", COLUMNS, field="button.url")) == "UrlTemplate(button.url: no names)"
