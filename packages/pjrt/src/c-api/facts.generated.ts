// Facts of PJRT's C interface, read from its header by scripts/header-facts.mjs. Not edited by hand.

/** Version of the interface that the facts are of. */
export const headerVersion = { major: 0, minor: 90 } as const;

/** The function table's entries in their order. */
export const functionOrder: readonly string[] = ["Error_Destroy","Error_Message","Error_GetCode","Plugin_Initialize","Plugin_Attributes","Event_Destroy","Event_IsReady","Event_Error","Event_Await","Event_OnReady","Client_Create","Client_Destroy","Client_PlatformName","Client_ProcessIndex","Client_PlatformVersion","Client_Devices","Client_AddressableDevices","Client_LookupDevice","Client_LookupAddressableDevice","Client_AddressableMemories","Client_Compile","Client_DefaultDeviceAssignment","Client_BufferFromHostBuffer","DeviceDescription_Id","DeviceDescription_ProcessIndex","DeviceDescription_Attributes","DeviceDescription_Kind","DeviceDescription_DebugString","DeviceDescription_ToString","Device_GetDescription","Device_IsAddressable","Device_LocalHardwareId","Device_AddressableMemories","Device_DefaultMemory","Device_MemoryStats","Memory_Id","Memory_Kind","Memory_DebugString","Memory_ToString","Memory_AddressableByDevices","Executable_Destroy","Executable_Name","Executable_NumReplicas","Executable_NumPartitions","Executable_NumOutputs","Executable_SizeOfGeneratedCodeInBytes","Executable_GetCostAnalysis","Executable_OutputMemoryKinds","Executable_OptimizedProgram","Executable_Serialize","LoadedExecutable_Destroy","LoadedExecutable_GetExecutable","LoadedExecutable_AddressableDevices","LoadedExecutable_Delete","LoadedExecutable_IsDeleted","LoadedExecutable_Execute","Executable_DeserializeAndLoad","LoadedExecutable_Fingerprint","Buffer_Destroy","Buffer_ElementType","Buffer_Dimensions","Buffer_UnpaddedDimensions","Buffer_DynamicDimensionIndices","Buffer_GetMemoryLayout","Buffer_OnDeviceSizeInBytes","Buffer_Device","Buffer_Memory","Buffer_Delete","Buffer_IsDeleted","Buffer_CopyToDevice","Buffer_ToHostBuffer","Buffer_IsOnCpu","Buffer_ReadyEvent","Buffer_UnsafePointer","Buffer_IncreaseExternalReferenceCount","Buffer_DecreaseExternalReferenceCount","Buffer_OpaqueDeviceMemoryDataPointer","CopyToDeviceStream_Destroy","CopyToDeviceStream_AddChunk","CopyToDeviceStream_TotalBytes","CopyToDeviceStream_GranuleSize","CopyToDeviceStream_CurrentBytes","TopologyDescription_Create","TopologyDescription_Destroy","TopologyDescription_PlatformName","TopologyDescription_PlatformVersion","TopologyDescription_GetDeviceDescriptions","TopologyDescription_Serialize","TopologyDescription_Attributes","Compile","Executable_OutputElementTypes","Executable_OutputDimensions","Buffer_CopyToMemory","Client_CreateViewOfDeviceBuffer","Executable_Fingerprint","Client_TopologyDescription","Executable_GetCompiledMemoryStats","Memory_Kind_Id","ExecuteContext_Create","ExecuteContext_Destroy","Buffer_CopyRawToHost","AsyncHostToDeviceTransferManager_Destroy","AsyncHostToDeviceTransferManager_TransferData","Client_CreateBuffersForAsyncHostToDevice","AsyncHostToDeviceTransferManager_RetrieveBuffer","AsyncHostToDeviceTransferManager_Device","AsyncHostToDeviceTransferManager_BufferCount","AsyncHostToDeviceTransferManager_BufferSize","AsyncHostToDeviceTransferManager_SetBufferError","AsyncHostToDeviceTransferManager_AddMetadata","Client_DmaMap","Client_DmaUnmap","Client_CreateUninitializedBuffer","Client_UpdateGlobalProcessInfo","TopologyDescription_Deserialize","Client_CreateAliasBuffer","Client_FulfillAliasBuffer","LoadedExecutable_GetDeviceAssignment","Client_CreateErrorBuffer","AsyncHostToDeviceTransferManager_TransferLiteral","Buffer_CopyRawToHostFuture","Device_PoisonExecution","Device_CreateAsyncTrackingEvent","AsyncTrackingEvent_Destroy","Executable_GetCompileOptions","Buffer_DonateWithControlDependency","Event_Create","Event_Set"];

/** Kinds of fields: `word` is a pointer or a 64-bit integer. */
export type FieldKind = 'word' | 'int' | 'bool' | 'float';

/** Fields of each struct behind `struct_size` and `extension_start`, in their order. */
export const structs = {
  Error_Destroy: [['error', 'word']],
  Error_Message: [['error', 'word'], ['message', 'word'], ['message_size', 'word']],
  Error_GetCode: [['error', 'word'], ['code', 'int']],
  Plugin_Initialize: [],
  Event_Destroy: [['event', 'word']],
  Event_IsReady: [['event', 'word'], ['is_ready', 'bool']],
  Event_Await: [['event', 'word']],
  Client_Create: [['create_options', 'word'], ['num_options', 'word'], ['kv_get_callback', 'word'], ['kv_get_user_arg', 'word'], ['kv_put_callback', 'word'], ['kv_put_user_arg', 'word'], ['client', 'word'], ['kv_try_get_callback', 'word'], ['kv_try_get_user_arg', 'word']],
  Client_Destroy: [['client', 'word']],
  Client_PlatformName: [['client', 'word'], ['platform_name', 'word'], ['platform_name_size', 'word']],
  Client_PlatformVersion: [['client', 'word'], ['platform_version', 'word'], ['platform_version_size', 'word']],
  Client_AddressableDevices: [['client', 'word'], ['addressable_devices', 'word'], ['num_addressable_devices', 'word']],
  Client_Compile: [['client', 'word'], ['program', 'word'], ['compile_options', 'word'], ['compile_options_size', 'word'], ['executable', 'word']],
  Client_BufferFromHostBuffer: [['client', 'word'], ['data', 'word'], ['type', 'int'], ['dims', 'word'], ['num_dims', 'word'], ['byte_strides', 'word'], ['num_byte_strides', 'word'], ['host_buffer_semantics', 'int'], ['device', 'word'], ['memory', 'word'], ['device_layout', 'word'], ['done_with_host_buffer', 'word'], ['buffer', 'word']],
  Device_GetDescription: [['device', 'word'], ['device_description', 'word']],
  DeviceDescription_Kind: [['device_description', 'word'], ['device_kind', 'word'], ['device_kind_size', 'word']],
  Device_MemoryStats: [['device', 'word'], ['bytes_in_use', 'word'], ['peak_bytes_in_use', 'word'], ['peak_bytes_in_use_is_set', 'bool'], ['num_allocs', 'word'], ['num_allocs_is_set', 'bool'], ['largest_alloc_size', 'word'], ['largest_alloc_size_is_set', 'bool'], ['bytes_limit', 'word'], ['bytes_limit_is_set', 'bool'], ['bytes_reserved', 'word'], ['bytes_reserved_is_set', 'bool'], ['peak_bytes_reserved', 'word'], ['peak_bytes_reserved_is_set', 'bool'], ['bytes_reservable_limit', 'word'], ['bytes_reservable_limit_is_set', 'bool'], ['largest_free_block_bytes', 'word'], ['largest_free_block_bytes_is_set', 'bool'], ['pool_bytes', 'word'], ['pool_bytes_is_set', 'bool'], ['peak_pool_bytes', 'word'], ['peak_pool_bytes_is_set', 'bool']],
  Executable_Destroy: [['executable', 'word']],
  Executable_Serialize: [['executable', 'word'], ['serialized_bytes', 'word'], ['serialized_bytes_size', 'word'], ['serialized_executable', 'word'], ['serialized_executable_deleter', 'word']],
  Executable_NumOutputs: [['executable', 'word'], ['num_outputs', 'word']],
  Executable_GetCompiledMemoryStats: [['executable', 'word'], ['generated_code_size_in_bytes', 'word'], ['argument_size_in_bytes', 'word'], ['output_size_in_bytes', 'word'], ['alias_size_in_bytes', 'word'], ['temp_size_in_bytes', 'word'], ['host_generated_code_size_in_bytes', 'word'], ['host_argument_size_in_bytes', 'word'], ['host_output_size_in_bytes', 'word'], ['host_alias_size_in_bytes', 'word'], ['host_temp_size_in_bytes', 'word'], ['peak_memory_in_bytes', 'word'], ['total_size_in_bytes', 'word']],
  Executable_DeserializeAndLoad: [['client', 'word'], ['serialized_executable', 'word'], ['serialized_executable_size', 'word'], ['loaded_executable', 'word'], ['overridden_serialized_compile_options', 'word'], ['overridden_serialized_compile_options_size', 'word']],
  LoadedExecutable_Destroy: [['executable', 'word']],
  LoadedExecutable_GetExecutable: [['loaded_executable', 'word'], ['executable', 'word']],
  LoadedExecutable_Execute: [['executable', 'word'], ['options', 'word'], ['argument_lists', 'word'], ['num_devices', 'word'], ['num_args', 'word'], ['output_lists', 'word'], ['device_complete_events', 'word'], ['execute_device', 'word']],
  Buffer_Destroy: [['buffer', 'word']],
  Buffer_ReadyEvent: [['buffer', 'word'], ['event', 'word']],
  Buffer_ToHostBuffer: [['src', 'word'], ['host_layout', 'word'], ['dst', 'word'], ['dst_size', 'word'], ['event', 'word']],
  TopologyDescription_Create: [['topology_name', 'word'], ['topology_name_size', 'word'], ['create_options', 'word'], ['num_options', 'word'], ['topology', 'word']],
  TopologyDescription_Destroy: [['topology', 'word']],
  Compile: [['topology', 'word'], ['program', 'word'], ['compile_options', 'word'], ['compile_options_size', 'word'], ['client', 'word'], ['executable', 'word']],
  NamedValue: [['name', 'word'], ['name_size', 'word'], ['type', 'int'], ['value', 'word'], ['value_size', 'word']],
  Program: [['code', 'word'], ['code_size', 'word'], ['format', 'word'], ['format_size', 'word']],
  ExecuteOptions: [['send_callbacks', 'word'], ['recv_callbacks', 'word'], ['num_send_ops', 'word'], ['num_recv_ops', 'word'], ['launch_id', 'int'], ['non_donatable_input_indices', 'word'], ['num_non_donatable_input_indices', 'word'], ['context', 'word'], ['call_location', 'word'], ['num_tasks', 'word'], ['task_ids', 'word'], ['incarnation_ids', 'word']],
} as const satisfies Record<string, readonly (readonly [string, FieldKind])[]>;

export const errorCodes = {"OK":0,"CANCELLED":1,"UNKNOWN":2,"INVALID_ARGUMENT":3,"DEADLINE_EXCEEDED":4,"NOT_FOUND":5,"ALREADY_EXISTS":6,"PERMISSION_DENIED":7,"RESOURCE_EXHAUSTED":8,"FAILED_PRECONDITION":9,"ABORTED":10,"OUT_OF_RANGE":11,"UNIMPLEMENTED":12,"INTERNAL":13,"UNAVAILABLE":14,"DATA_LOSS":15,"UNAUTHENTICATED":16} as const;

export const bufferTypes = {"INVALID":0,"PRED":1,"S8":2,"S16":3,"S32":4,"S64":5,"U8":6,"U16":7,"U32":8,"U64":9,"F16":10,"F32":11,"F64":12,"BF16":13,"C64":14,"C128":15,"F8E5M2":16,"F8E4M3FN":17,"F8E4M3B11FNUZ":18,"F8E5M2FNUZ":19,"F8E4M3FNUZ":20,"S4":21,"U4":22,"TOKEN":23,"S2":24,"U2":25,"F8E4M3":26,"F8E3M4":27,"F8E8M0FNU":28,"F4E2M1FN":29} as const;

export const valueTypes = {"kString":0,"kInt64":1,"kInt64List":2,"kFloat":3,"kBool":4} as const;
