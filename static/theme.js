// Runs before the first paint: the chosen theme, and a class for what only works with a script.
document.documentElement.classList.add("script");
try {
  const theme = localStorage.getItem("theme");
  if (theme) document.documentElement.dataset.theme = theme;
} catch { /* No storage: the theme of the system. */ }
