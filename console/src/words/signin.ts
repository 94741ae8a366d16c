/** Every word of signing in. */
export const words = {
  title: "Sign in",
  help: "This fleet is shown to those who have a token. Whoever runs it gives out tokens.",
  token: "Token",
  keep: "Keep it until this tab is closed",
  keepHelp: "Otherwise it is forgotten when the page is loaded anew.",
  submit: "Sign in",
  cancel: "Go on without",
  empty: "Put in a token first.",
  problem: {
    missing: "",
    wrong:
      "The node does not know this token. See that all of it was copied, or ask for another one.",
    expired: "This token has expired. Ask for a new one.",
    withdrawn: "This token has been withdrawn. Ask for a new one if you should still have access.",
    role: "This is the token of an agent. Looking at the fleet needs one of a viewer or an admin.",
    link: "This link is no longer valid. Ask for a new one.",
  },
} as const;
