package record

// The files of a run folder.
const (
	ConfigFile      = "config.toml"            // the resolved configuration
	MetricsFile     = "metrics.jsonl"          // a line an epoch and a round
	ResultFile      = "result.json"            // Result
	DenseFile       = "dense.safetensors"      // the network trained without the game
	PrunedFile      = "pruned.safetensors"     // what the game left
	PlayersFile     = "players.csv"            // a row a player
	CertificateFile = "equilibrium.json"       // Certificate
	LostFile        = "lost.json"              // Lost, of images
	WeightsFile     = "weights.safetensors"    // of single weights as players, what is known of each
	MixedFile       = "mixed.toml"             // the configuration of both parts of a mixed run
	CheckpointFile  = "checkpoint.safetensors" // until the run is finished
)

// StructuredFolder is the folder, in that of a mixed run, of the part that removes whole units.
const StructuredFolder = "structured"

// Files are all that a run writes before its result, but for the checkpoint.
var Files = []string{ConfigFile, MetricsFile, DenseFile, PrunedFile, PlayersFile, CertificateFile, LostFile, WeightsFile}
