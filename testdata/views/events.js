// Prints the events of an event file as JSON. A reader of TFRecords checks lengths and checksums;
// protobufjs reads the messages, of whose fields are here those that are written.
const fs = require("fs");
const { root } = require("protobufjs").parse(`
  syntax = "proto3";
  message Event { double wall_time = 1; int64 step = 2; oneof what { string file_version = 3; Summary summary = 5; } }
  message Summary { repeated Value value = 1; }
  message Value { string tag = 1; oneof value { float simple_value = 2; Image image = 4; HistogramProto histo = 5; } }
  message Image { int32 height = 1; int32 width = 2; int32 colorspace = 3; bytes encoded_image_string = 4; }
  message HistogramProto { double min = 1; double max = 2; double num = 3; double sum = 4; double sum_squares = 5; repeated double bucket_limit = 6; repeated double bucket = 7; }
`, { keepCase: true });
// The reader is one of images in TFRecords; here its records stay what they are.
require("@roboflow/tfrecords/src/tensorFlowRecordsProtoBuf_pb").TFRecordsImageMessage.deserializeBinary = (b) => b;
const { TFRecordsReader } = require("@roboflow/tfrecords/src/tensorFlowReader");
const file = fs.readFileSync(process.argv[2]);
const records = new TFRecordsReader(file).imageMessages;
const read = records.reduce((sum, r) => sum + r.length + 16, 0);
if (read !== file.length) throw new Error(read + " of " + file.length + " bytes are whole records");
const Event = root.lookupType("Event");
console.log(JSON.stringify(records.map((r) => Event.toObject(Event.decode(r), { longs: Number, bytes: String }))));
