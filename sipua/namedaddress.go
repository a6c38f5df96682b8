package sipua

import (
	"slices"
	"strings"
)

// addressSchemes are schemes that users recognize as an address.
var addressSchemes = []string{"sip", "sips", "tel", "im", "pres", "mailto", "xmpp"}

// likeASCII are characters that look like the punctuation of addresses.
var likeASCII = strings.NewReplacer("\uff20", "@", "\ufe6b", "@", "\uff0e", ".", "\u3002", ".", "\uff1a", ":", "\ufe55", ":", "\u2024", ".")

// AddressesIn returns the words of a display name that readers may take for a user's
// address, as URIs: for "boss@example.com" a sip URI. A word with "@" counts if its host
// has a dot, is "localhost", or is an IPv6 address.
func AddressesIn(name string) (uris []string) {
	for _, word := range strings.Fields(likeASCII.Replace(name)) {
		word = strings.Trim(word, `"'()[]{}<>,;!?.`)
		scheme, rest, ok := strings.Cut(word, ":")
		if ok && rest != "" && slices.Contains(addressSchemes, strings.ToLower(scheme)) {
			uris = append(uris, word)
			continue
		}
		user, host, ok := strings.Cut(word, "@")
		if ok && user != "" && (strings.ContainsAny(host, ".[") || strings.EqualFold(host, "localhost")) {
			uris = append(uris, "sip:"+word)
		}
	}
	return uris
}
