// Bodies of room core.
#include <mad/core/impl/base64.ipp>
#include <mad/core/impl/cookie.ipp>
#include <mad/core/impl/ids.ipp>
#include <mad/core/impl/json_error.ipp>
#include <mad/core/impl/json_parse.ipp>
#include <mad/core/impl/json_scan.ipp>
#include <mad/core/impl/json_text.ipp>
#include <mad/core/impl/log.ipp>
#include <mad/core/impl/query.ipp>
#include <mad/core/impl/sha1.ipp>
#include <mad/core/impl/sha256.ipp>
