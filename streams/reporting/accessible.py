"""Pictures for those who do not see them, and several of them on one page."""

import xml.etree.ElementTree as ET
from itertools import count

_SVG = "http://www.w3.org/2000/svg"


def accessible(svg: str, identity: str, title: str, description: str) -> str:
    """The SVG as a picture with a name and a description for screen readers, and identifiers of its own on the page."""
    ET.register_namespace("", _SVG)
    root = ET.fromstring(svg)  # noqa: S314 (written by the renderer)
    numbers = count(1)
    renamed = {element.attrib["id"]: f"{identity}-{next(numbers)}" for element in root.iter() if "id" in element.attrib}
    for element in root.iter():
        for name, value in element.attrib.items():
            if name == "id":
                element.set(name, renamed[value])
            elif value.startswith("url(#"):
                element.set(name, f"url(#{renamed[value[5:-1]]})")
        for name in [name for name in element.attrib if name.startswith("aria-") or name == "role"]:
            del element.attrib[name]
    root.set("role", "img")
    root.set("aria-labelledby", f"{identity}-title {identity}-description")
    for place, (tag, text) in enumerate((("title", title), ("desc", description))):
        told = ET.Element(f"{{{_SVG}}}{tag}", {"id": f"{identity}-{'title' if tag == 'title' else 'description'}"})
        told.text = text
        root.insert(place, told)
    return ET.tostring(root, encoding="unicode")
