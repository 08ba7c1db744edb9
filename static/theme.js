// Runs before the first paint: says that scripts run, and follows the device unless a theme was chosen.
(() => {
  const root = document.documentElement;
  const device = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => {
    if (!root.dataset.theme) root.dataset.bsTheme = device.matches ? "dark" : "light";
  };
  root.classList.add("js");
  if (root.dataset.bsTheme) root.dataset.theme = root.dataset.bsTheme;
  follow();
  device.addEventListener("change", follow);
})();
