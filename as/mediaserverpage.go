package as

import (
	"net/http"

	"github.com/gomscp/gomscp/internal/table"
)

// mediaServerPages are the admin endpoint's pages about media servers.
func (s *Server) mediaServerPages() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET /media_servers": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = table.WriteJSON(w, s.MediaServers()) // the reader may have gone
		},
		"POST /inventory":                    s.inventoryPage,
		"POST /media_servers/{name}/drain":   s.drainPage(true),
		"POST /media_servers/{name}/undrain": s.drainPage(false),
	}
}

func (s *Server) drainPage(on bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := s.DrainMediaServer(r.PathValue("name"), on); err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
		}
	}
}

// inventoryPage has all media servers asked.
func (s *Server) inventoryPage(w http.ResponseWriter, _ *http.Request) {
	s.AskInventories()
	w.WriteHeader(http.StatusAccepted)
}
