"use strict"
// Asks again and again what is new, and shows it; the page works without.
const now = document.getElementById("now"), lost = document.getElementById("lost")

// What somebody is about to use stays where it is: the focus, and how far tables are scrolled.
function show(text) {
  const name = one => one.getAttribute("href") ?? one.getAttribute("aria-label")
  const held = now.contains(document.activeElement) ? name(document.activeElement) : null
  const scrolled = new Map([...now.querySelectorAll(".scroll")].map(one => [name(one), one.scrollLeft]))
  now.innerHTML = text
  for (const one of now.querySelectorAll(".scroll")) one.scrollLeft = scrolled.get(name(one)) ?? 0
  if (held !== null) [...now.querySelectorAll("[href], [tabindex]")].find(one => name(one) === held)?.focus({preventScroll: true})
}

async function look() {
  try {
    const answer = await fetch("/now?" + new URLSearchParams({made: now.dataset.made}), {cache: "no-store"})
    if (!answer.ok) throw new Error(answer.statusText)
    const text = await answer.text()
    lost.hidden = true
    if (now.dataset.made === "" && answer.headers.get("Candor-Pictures")) return location.reload()
    show(text)
  } catch {
    lost.hidden = false
  }
  setTimeout(look, 1000 * now.dataset.seconds)
}

setTimeout(look, 1000 * now.dataset.seconds)
