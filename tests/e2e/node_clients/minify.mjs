// Prints a script made small for browsers: node minify.mjs SCRIPT.JS
import { readFileSync } from "node:fs";
import { minify } from "terser";

const made = await minify(readFileSync(process.argv[2], "utf8"), {
  ecma: 2020,
  toplevel: true,
  enclose: true,
  compress: { ecma: 2020, passes: 4, unsafe_arrows: true, unsafe_methods: true, pure_getters: true, keep_fargs: false },
  format: { ascii_only: true, ecma: 2020 },
});
process.stdout.write(`${made.code}\n`);
