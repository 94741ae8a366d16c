// Bodies of room net that need zlib.
#include <mad/net/impl/deflate.ipp>
