package ms

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/gomscp/gomscp/store"
)

// A storeCollector reads the store's own counts at scrape time.
type storeCollector struct{ store *store.Store }

func storeDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("mscp_mediaserver_"+name, help, labels, nil)
}

var (
	descMessages   = storeDesc("store_messages", "Messages that are kept, with those set aside.")
	descBytes      = storeDesc("store_bytes", "Bytes of the bodies of messages that are kept.")
	descAside      = storeDesc("store_aside_messages", "Messages that are set aside.")
	descOpen       = storeDesc("store_open_bytes", "Bytes on disk of messages that are not complete.")
	descFile       = storeDesc("store_file_bytes", "Size of the store's file.")
	descIndex      = storeDesc("store_index_bytes", "Memory that the index of what is kept takes, estimated.")
	descOldest     = storeDesc("store_oldest_message_timestamp_seconds", "When the message that is kept longest came, in seconds since 1970; absent without one.")
	descQueue      = storeDesc("store_queue_jobs", "What waits for the next transaction.")
	descQueueBytes = storeDesc("store_queue_bytes", "Bytes of what waits for the next transaction.")
	descStored     = storeDesc("messages_stored_total", "Messages that were stored durably.")
	descDeleted    = storeDesc("messages_deleted_total", "Messages that were deleted: delivered, purged or expired.")
	descExpired    = storeDesc("messages_expired_total", "Messages that nobody fetched in time.")
	descDuplicates = storeDesc("messages_duplicate_total", "Messages that were kept already.")
	descLimit      = storeDesc("messages_over_limit_total", "Messages refused for a limit.", "limit")
	descFailed     = storeDesc("store_failed_commits_total", "Transactions that failed.")
	descTook       = storeDesc("store_transaction_duration_seconds", "Time of a transaction.")
	descGroup      = storeDesc("store_transaction_jobs", "What one transaction did for its callers.")
)

// Describe implements [prometheus.Collector].
func (c *storeCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		descMessages, descBytes, descAside, descOpen, descFile, descIndex, descOldest, descQueue, descQueueBytes, descStored, descDeleted,
		descExpired, descDuplicates, descLimit, descFailed, descTook, descGroup,
	} {
		ch <- d
	}
}

// Collect implements [prometheus.Collector].
func (c *storeCollector) Collect(ch chan<- prometheus.Metric) {
	st := c.store.Stats()
	gauge := func(d *prometheus.Desc, v float64) { ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v) }
	count := func(d *prometheus.Desc, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge(descMessages, float64(st.Messages))
	gauge(descBytes, float64(st.Bytes))
	gauge(descAside, float64(st.Aside))
	gauge(descOpen, float64(st.Open))
	gauge(descFile, float64(st.FileBytes))
	gauge(descIndex, float64(st.Index))
	if !st.Oldest.IsZero() {
		gauge(descOldest, float64(st.Oldest.UnixMilli())/1000)
	}
	gauge(descQueue, float64(st.Queue))
	gauge(descQueueBytes, float64(st.QueueSize))
	count(descStored, st.Stored)
	count(descDeleted, st.Deleted)
	count(descExpired, st.Expired)
	count(descDuplicates, st.Duplicates)
	for _, l := range []store.Limit{store.LimitBody, store.LimitRecipient, store.LimitSender, store.LimitTotal, store.LimitDisk, store.LimitIndex} {
		count(descLimit, st.RefusedBy[l], string(l))
	}
	count(descFailed, st.Failed)
	ch <- histogram(descTook, st.CommitSeconds)
	ch <- histogram(descGroup, st.GroupSize)
}

func histogram(d *prometheus.Desc, h store.Histogram) prometheus.Metric {
	buckets := make(map[float64]uint64, len(h.Bounds))
	for i, bound := range h.Bounds {
		buckets[bound] = h.Counts[i]
	}
	return prometheus.MustNewConstHistogram(d, h.Count, h.Sum, buckets)
}
