package as

import (
	"maps"
	"net/http"

	"github.com/gomscp/gomscp/internal/daemon"
)

// adminPages are the server's own pages of the admin endpoint.
func (s *Server) adminPages() daemon.AdminPages {
	handlers := map[string]http.HandlerFunc{}
	maps.Copy(handlers, s.mediaServerPages())
	maps.Copy(handlers, s.directoryPages())
	return daemon.AdminPages{Handlers: handlers, About: map[string]string{
		"GET /media_servers":                 "the media servers, their control channels and sessions, in JSON",
		"POST /media_servers/{name}/drain":   "no new store sessions for that media server",
		"POST /media_servers/{name}/undrain": "new store sessions again",
		"POST /inventory":                    "ask the media servers for whom they keep messages",
		"GET /directory":                     "which media server keeps messages for whom, a JSON object a line; ?to=URI, ?from=URI and ?ms=NAME select",
		"POST /directory/forget":             "remove entries of the media server ?ms=NAME, which is not configured; also ?to=URI and ?from=URI",
		"POST /directory/rename":             "give the entries of ?ms=NAME, which is not configured, to ?name=NEW",
		"POST /deliver":                      "try to deliver what is kept for ?to=URI now",
	}}
}
