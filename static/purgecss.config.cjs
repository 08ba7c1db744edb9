// Tabler's sheet holds far more than these pages use: what no template, script or form names is left out.
module.exports = {
  css: ["node_modules/@tabler/core/dist/css/tabler.min.css"],
  content: ["../templates/**/*.html", "../app/**/*.py", "*.js"],
  output: "build/tabler.css",
  keyframes: true,
  dynamicAttributes: ["type"],  // what kind of box to tick is written by WTForms, and stands in no template
};
