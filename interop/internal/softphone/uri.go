package softphone

import "strings"

// splitURI takes a SIP URI apart into its user and its host with port, without
// parameters.
func splitURI(uri string) (user, host string) {
	if _, rest, ok := strings.Cut(uri, ":"); ok {
		uri = rest
	}
	if i := strings.IndexAny(uri, ";?"); i >= 0 {
		uri = uri[:i]
	}
	if i := strings.LastIndexByte(uri, '@'); i >= 0 {
		return uri[:i], uri[i+1:]
	}
	return "", uri
}
