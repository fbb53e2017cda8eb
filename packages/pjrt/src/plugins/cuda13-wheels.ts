// NVIDIA's libraries of CUDA 13 as JAX's plugin asks for them (its extra `with-cuda`), for Linux x64: what it loads at run time, and the compiler parts that XLA calls.
import type { PinnedWheel } from '@moe-rl/core/node';

function wheelOf(fileName: string, sha256: string, bytes: number): PinnedWheel {
  const [name = '', version = ''] = fileName.split('-');
  return { name: name.replaceAll('_', '-'), version, fileName, sha256, bytes };
}

export const cuda13Wheels: readonly PinnedWheel[] = [
  wheelOf(
    'nvidia_cublas-13.10.0.20-py3-none-manylinux1_x86_64.manylinux_2_5_x86_64.whl',
    'dcc6d63884c53d07e267ce7e6feac17b2538cebaafec5db865736c3e28e4dc84',
    444289903,
  ),
  wheelOf(
    'nvidia_cuda_cupti-13.5.25-py3-none-manylinux_2_25_x86_64.whl',
    '9dcca41c12a734192b14e7128ae116bc9ce1b9da686e2ebf48ae7a4415f76650',
    12592974,
  ),
  wheelOf(
    'nvidia_cuda_nvcc-13.5.37-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl',
    'f5c4f7ead5d964fb4af42bbf1e6d3ec3c1e6e9d83b53749f691d387e7fcaa3a7',
    47028279,
  ),
  wheelOf(
    'nvidia_cuda_nvrtc-13.5.37-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl',
    '86b4d68058807988b7d9af5b44917a0601e9c337f35ccd657bfb3c759ff8d8bc',
    58185930,
  ),
  wheelOf(
    'nvidia_cuda_runtime-13.5.37-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl',
    'df2b79a8852f10d1fef8c848489c49eebb5754051bf870202a862831412b179d',
    2504024,
  ),
  wheelOf(
    'nvidia_cudnn_cu13-9.28.1.4-py3-none-manylinux_2_27_x86_64.whl',
    'a54f205b1db1f2895d99f398754db1369816f0569dd459731f925635cf7b65ec',
    516817937,
  ),
  wheelOf(
    'nvidia_cufft-12.5.0.14-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl',
    'b8be26837a5abad2b5b74f3e92dd29f622a42934b355be0961a48712cbba23ad',
    165072555,
  ),
  wheelOf(
    'nvidia_cusolver-12.4.1.2-py3-none-manylinux_2_27_x86_64.whl',
    'b3b8e02fd2f2df869369af075dc3a179d43f6f7b85e94632a7dce556697be044',
    260003940,
  ),
  wheelOf(
    'nvidia_cusparse-12.9.4.2-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl',
    '072667e58c851a318738f5527a12eb225cbf058803f2ea451c722d8cf8edddec',
    230422857,
  ),
  wheelOf(
    'nvidia_nccl_cu13-2.32.3-py3-none-manylinux_2_27_x86_64.whl',
    '1459723080ac889d73a26edfa3e04383a7928ab31ac8f0ec43b3ea9548b04ff3',
    305100071,
  ),
  wheelOf(
    'nvidia_nvjitlink-13.5.37-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl',
    '280d7cb9649704145f074b8dbde500de04ce02d0872e066e20a83c17bcaa93eb',
    46642491,
  ),
  wheelOf(
    'nvidia_nvshmem_cu13-3.8.0-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl',
    '81a4d1f666543e6d34df6d2ff940c7da1435e34e186aab6f3c2b48861b64ef38',
    182092449,
  ),
  wheelOf(
    'nvidia_nvvm-13.5.37-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl',
    'c41bfa362e407405163f103c2229f0765f8cc2ed7d148b754dc77f228bf7e070',
    75141406,
  ),
];
