import js from "@eslint/js";
import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";

const typed = {
  files: ["src/**", "test/**", "vite.config.ts"],
  extends: [tseslint.configs.strictTypeChecked],
  languageOptions: { parserOptions: { projectService: true } },
  rules: {
    "@typescript-eslint/consistent-type-imports": "error",
    "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
    "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
    // Nothing of a peer may ever be read as markup or code.
    "no-restricted-properties": [
      "error",
      { property: "innerHTML" },
      { property: "outerHTML" },
      { property: "insertAdjacentHTML" },
    ],
    "no-restricted-syntax": ["error", "JSXAttribute[name.name='dangerouslySetInnerHTML']"],
    "no-eval": "error",
    eqeqeq: ["error", "always", { null: "ignore" }],
  },
};

const tests = {
  files: ["test/**"],
  rules: {
    "@typescript-eslint/no-empty-function": "off",
    "@typescript-eslint/require-await": "off",
    "no-restricted-properties": "off",
  },
};

const scripts = {
  files: ["dev/**", "scripts/**"],
  languageOptions: {
    globals: {
      Buffer: "readonly",
      URL: "readonly",
      clearInterval: "readonly",
      clearTimeout: "readonly",
      console: "readonly",
      process: "readonly",
      setInterval: "readonly",
      setTimeout: "readonly",
    },
  },
};

export default defineConfig({ ignores: ["dist"] }, js.configs.recommended, typed, tests, scripts);
