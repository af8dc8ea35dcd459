// One invocation for every number; LOCAL_SIZE of them are a workgroup.
layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint LOCAL_SIZE = 1;
