# MAD_AGENT_ONLY: what makes programs small, for everything that is built.

add_compile_options(-ffunction-sections -fdata-sections)
add_link_options(-Wl,--gc-sections -Wl,--strip-all)
