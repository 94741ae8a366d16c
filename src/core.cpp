#include <mad/core/impl/log.ipp>
