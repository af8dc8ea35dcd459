// Package record holds what a run writes and reads it again: results, metrics, players and
// the certificate.
//
// Files are written to a temporary neighbour and renamed, so each is complete or absent.
// Metrics are cut back to the checkpoint when a run is resumed. The number schema of
// result.json rises when a field changes its meaning. The guide "formats" lists the files
// (nashprune help formats).
//
// Of regression, result.json has r2 and rmse where it has accuracy for classes.
package record
