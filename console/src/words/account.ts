/** Words about who uses the page. */
export const words = {
  as: (name: string, role: string) => `${name}, ${role}`,
  expires: (when: string) => `until ${when}`,
  roles: { agent: "agent", viewer: "viewer", admin: "admin" },
  signIn: "Sign in",
  signOut: "Sign out",
} as const;
